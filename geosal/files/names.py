"""Which paths a file can have that geosal reads or writes."""


def why_no_path(path: str) -> str:
    """Explain why no file that GDAL opens has this path, and what to do; empty where one may have it.

    Python keeps bytes of a name that are not UTF-8 as lone surrogates; YAML can write any of them.
    """
    if "\0" in path:
        return "has a NUL in it, and no file's name has one; leave it out"
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "is not UTF-8, and GDAL opens no file of such a name; rename the file, or the directory that has it"
    return ""
