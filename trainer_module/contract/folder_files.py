"""List the files of a folder without a file pattern.

A glob takes `[`, `*` and `?` in the path of the folder for parts of the pattern. So the folder of a
user or of an artifact is listed, never globbed.
"""

import fnmatch


def list_files(folder: str, pattern: str = "*") -> list[str]:
    """Return the paths of the files in a folder, sorted; none if the folder does not exist.

    Args:
        folder: Local path or URI. Its characters have no special meaning.
        pattern: Pattern of the file names, such as `*.json`; it has no slash.
    """
    import tensorflow as tf

    if not tf.io.gfile.isdir(folder):  # a store has no empty folders
        return []
    names = [name for name in tf.io.gfile.listdir(folder) if not name.endswith("/")]
    return [f"{folder}/{name}" for name in sorted(fnmatch.filter(names, pattern))]


def list_suffixes(folder: str, pattern: str) -> list[str]:
    """Return what stands in place of the `*` in the names of the files in a folder, sorted.

    Args:
        folder: Local path or URI.
        pattern: Pattern of the file names, with one `*`.
    """
    before, after = pattern.split("*")
    names = [path.rpartition("/")[2] for path in list_files(folder, pattern)]
    return [name[len(before) : len(name) - len(after)] for name in names]
