"""Finds the level of folders that divides a data set into splits."""

from dataclasses import dataclass

from pipeline.config.layout_pattern import ANY, CLASS, DOMAIN, SPLIT
from pipeline.inputs.layouts.folder_tree import FolderTree
from pipeline.inputs.layouts.layout_advice import LayoutAdvice
from pipeline.inputs.layouts.split_names import split_in_name, split_of_name

#: Levels at which splits are looked for.
SEARCHED_LEVELS = 4

#: Largest share of pictures that may lie outside of the split folders; they are rejected.
MAX_OUTSIDE = 0.1


@dataclass(frozen=True)
class SplitLevel:
    """The level of the split folders.

    Attributes:
        level: Level of the folders, 0 directly below the root; None without split folders.
        repeated: Whether every split folder holds one folder for the same split, such as
            `training_set/training_set`.
    """

    level: int | None = None
    repeated: bool = False

    def remove(self, tree: FolderTree) -> FolderTree:
        """Return a tree without the split folders."""
        if self.level is None:
            return tree
        return tree.without_levels(self.level, 2 if self.repeated else 1)

    def insert(self, levels: tuple[str, ...]) -> tuple[str, ...]:
        """Return the levels of the whole tree, from those of a tree without split folders."""
        if self.level is None:
            return levels
        padded = (*levels, *[ANY] * (self.level - len(levels)))
        split = (SPLIT, ANY) if self.repeated else (SPLIT,)
        return (*padded[: self.level], *split, *padded[self.level :])


def find_split_level(tree: FolderTree, advice: LayoutAdvice) -> SplitLevel:
    """Find the level at which every folder has the name of a split, and at least two are named.

    A single such name, such as a class `train` among other vehicles, is no split.

    Raises:
        InputError: Split folders lie beside other folders, or at several levels.
    """
    pure = [level for level in range(SEARCHED_LEVELS) if _is_split_level(tree, level)]
    if not pure:
        for level in range(SEARCHED_LEVELS):
            _check_no_mixture(tree, level, advice)
            _check_no_other_names(tree, level, advice)
        return SplitLevel()
    if len(pure) == 1:
        return SplitLevel(pure[0])
    if pure == [pure[0], pure[0] + 1] and _is_repeated(tree, pure[0]):
        return SplitLevel(pure[0], repeated=True)
    first = SplitLevel(pure[0])
    raise advice.several_split_levels([first.insert((ANY, CLASS)), first.insert((DOMAIN, CLASS))])


def _is_split_level(tree: FolderTree, level: int) -> bool:
    splits = {split_of_name(name) for name in tree.names(level)}
    outside = sum(count for folders, count in tree.counts.items() if len(folders) <= level)
    return len(splits) > 1 and None not in splits and outside <= MAX_OUTSIDE * tree.total


def _check_no_mixture(tree: FolderTree, level: int, advice: LayoutAdvice) -> None:
    for parent, names in sorted(tree.groups(level).items()):
        splits = {split_of_name(name) for name in names} - {None}
        if len(splits) > 1:
            named = sorted(name for name in names if split_of_name(name))
            outside = sorted(
                "/".join(folders[: level + 1])
                for folders in tree.counts
                if len(folders) <= level or not split_of_name(folders[level])
            )
            first = SplitLevel(level)
            readings = [(DOMAIN, CLASS), *map(first.insert, [(CLASS,), (DOMAIN, CLASS)])]
            where = ["/".join((*parent, name)) for name in named]
            raise advice.mixed_splits(where, list(dict.fromkeys(outside)), readings)


def _check_no_other_names(tree: FolderTree, level: int, advice: LayoutAdvice) -> None:
    """Refuse folders whose names all hold a word for a split, such as `X_train` and `X_test`."""
    names = sorted(tree.names(level))
    splits = {split_in_name(name) for name in names}
    if len(splits) > 1 and None not in splits:
        first = SplitLevel(level)
        raise advice.other_split_names(
            names, [(DOMAIN, CLASS), *map(first.insert, [(CLASS,), (DOMAIN, CLASS)])]
        )


def _is_repeated(tree: FolderTree, level: int) -> bool:
    return all(
        split_of_name(folders[level]) == split_of_name(folders[level + 1])
        for folders in tree.counts
        if len(folders) > level + 1
    )
