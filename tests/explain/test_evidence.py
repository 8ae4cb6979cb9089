from evidence import SIZE, evidence


def test_the_positive_class_comes_first_and_a_size_is_height_and_width():
    made = evidence()
    assert made.classes == ("ill", "well")
    assert made.pictures.size == SIZE
