"""The shapes of the documented types' data."""

from handlers import data


def test_only_the_documented_shape_has_required_keys() -> None:
    shapes = {name: shape for name, shape in vars(data).items() if hasattr(shape, "__required_keys__")}
    assert {name for name, shape in shapes.items() if shape.__required_keys__} == {"MemoryStored"}
    assert data.MemoryStored.__required_keys__ == {"memoryId", "tags", "importance"}
    assert len(shapes) == 8
    for name, shape in shapes.items():
        assert ("guess" in (shape.__doc__ or "")) == (name != "MemoryStored")
