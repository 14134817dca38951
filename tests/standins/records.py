"""What resource types of both clouds do alike: things that are only written down."""

from collections.abc import Callable

from tests.standins.lab import Lab, Record

Create = Callable[[Lab, Record], tuple[str, Record]]


def recorded(kind: str, new: Callable[[], str], *names: str) -> Create:
    """A create that only writes down what was asked for."""

    def create(lab: Lab, inputs: Record) -> tuple[str, Record]:
        key = new()
        with lab.locked():
            lab.put(kind, key, {name: inputs.get(name) for name in names})
        return key, {}

    return create


def drop(kind: str, lab: Lab, key: str) -> None:
    """Raises Absent where it is gone."""
    with lab.locked():
        lab.get(kind, key)
        lab.drop(kind, key)


def deleted(kind: str) -> Callable[[Lab, str, Record], None]:
    """A delete of what is only written down."""

    def delete(lab: Lab, key: str, state: Record) -> None:
        drop(kind, lab, key)

    return delete


def there(kind: str) -> Callable[[Lab, str], bool]:
    """Whether it is still there."""
    return lambda lab, key: key in lab.all(kind)


def noted(kind: str) -> Callable[[Lab, str, Record, Record], Record]:
    """An update that writes down what changed."""

    def update(lab: Lab, key: str, old: Record, new: Record) -> Record:
        with lab.locked():
            record = lab.get(kind, key)
            lab.put(kind, key, {name: new.get(name, each) for name, each in record.items()})
        return {}

    return update


def unchanged(lab: Lab, key: str, old: Record, new: Record) -> Record:
    """An update of what nothing depends on: tags, descriptions."""
    return {}
