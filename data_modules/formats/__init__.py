"""Files to pixels with a stated meaning: pictures, DICOM, NIfTI, MetaImage and NRRD."""
