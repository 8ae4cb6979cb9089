"""Small DICOM, NIfTI and MetaImage files for the tests of formats and data sets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="pip install 'matl[dicom]'")
nibabel = pytest.importorskip("nibabel", reason="pip install 'matl[volumes]'")

from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid  # noqa: E402

SIDE = 24


def chest(seed: int = 0, side: int = SIDE) -> np.ndarray:
    """int16 [side, side] in Hounsfield units: air, soft tissue, and dark lungs in it."""
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    body = np.hypot(rows / 0.42, columns / 0.48) < 1
    lungs = np.hypot(rows / 0.25, (np.abs(columns) - 0.2) / 0.14) < 1
    noise = np.random.default_rng(seed).integers(-30, 30, (side, side))
    values = np.where(lungs, -820, np.where(body, 40, -990)) + noise
    values[side // 2 - 2 : side // 2, 0:2] = 1200  # on the left edge: the patient's right
    return values.astype(np.int16)


def write_slice(
    path: Path, values: np.ndarray | None = None, height: float = 0.0, **tags: Any
) -> Path:
    """A CT slice whose stored values are Hounsfield units plus 1024; None leaves a tag out."""
    values = chest() if values is None else values
    stored = values.astype(np.int32) + 1024
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    uid = generate_uid()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = CTImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = uid
    known = {
        "Modality": "CT",
        "SeriesInstanceUID": "1.2.3.4",
        "PatientID": "MRN-778899",
        "PatientName": "Doe^Jane",
        "PatientBirthDate": "19500101",
        "ImagePositionPatient": [0, 0, height],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.7, 0.7],
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "InstanceNumber": int(height) + 1,
        "Rows": values.shape[-2],
        "Columns": values.shape[-1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
    }
    for name, value in (known | tags).items():
        if value is not None:
            setattr(data, name, value)
    data.PixelData = stored.astype(np.uint16).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def write_enhanced(path: Path, heights: list[float]) -> np.ndarray:
    """An enhanced CT file with a frame at each height; returns the frames in the file's order."""
    frames = np.stack([chest(number) for number in range(len(heights))])
    outside = ("RescaleSlope", "RescaleIntercept", "ImagePositionPatient", "PixelSpacing")
    write_slice(
        path,
        frames,
        NumberOfFrames=len(heights),
        ImageOrientationPatient=None,
        **dict.fromkeys(outside),
    )
    data = pydicom.dcmread(path)
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    shared = Dataset()
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    shared.PixelMeasuresSequence = [_item(PixelSpacing=[0.7, 0.7])]
    shared.PixelValueTransformationSequence = [_item(RescaleSlope=1, RescaleIntercept=-1024)]
    data.SharedFunctionalGroupsSequence = [shared]
    data.PerFrameFunctionalGroupsSequence = [
        _item(PlanePositionSequence=[_item(ImagePositionPatient=[0, 0, height])])
        for height in heights
    ]
    data.save_as(path)
    return frames


def _item(**tags: Any) -> Dataset:
    item = Dataset()
    for name, value in tags.items():
        setattr(item, name, value)
    return item


def write_series(
    folder: Path, heights: list[float], first_seed: int = 0, **tags: Any
) -> list[Path]:
    """A slice at each height, named in the reverse order of heights."""
    return [
        write_slice(
            folder / f"{len(heights) - place:03}.dcm", chest(first_seed + place), height, **tags
        )
        for place, height in enumerate(heights)
    ]


def write_nifti(path: Path, slices: int = 4, affine: np.ndarray | None = None) -> np.ndarray:
    """A volume stored as [right to left, back to front, up]; returns it as slices are shown."""
    shown = np.stack([chest(number) for number in range(slices)])  # rows downwards, left on right
    ras = shown.transpose(2, 1, 0)[::-1, ::-1]
    affine = np.diag([0.7, 0.7, 3.0, 1.0]) if affine is None else affine
    image = nibabel.as_closest_canonical(nibabel.Nifti1Image(ras, np.diag([0.7, 0.7, 3.0, 1.0])))
    turned = nibabel.orientations.io_orientation(affine)
    back = nibabel.orientations.ornt_transform(
        nibabel.orientations.io_orientation(image.affine), turned
    )
    stored = nibabel.orientations.apply_orientation(ras, back)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(stored), affine), path)
    return shown
