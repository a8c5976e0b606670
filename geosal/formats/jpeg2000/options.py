"""The creation options of a JPEG 2000."""

from geosal.formats.options import YES_NO, CreationOption


def _switch(name: str, text: str, default: str = "NO") -> CreationOption:
    return CreationOption(name=name, text=text, default=default, words=YES_NO)


def _side(name: str, text: str) -> CreationOption:
    return CreationOption(name=name, text=text, default="1024", limits=(64, 65536))


def _code_block(name: str, text: str) -> CreationOption:
    return CreationOption(name=name, text=text, default="64", limits=(4, 1024))


OPTIONS = (
    CreationOption(
        name="QUALITY",
        text="Percent of the raw bytes that a lossy tile may take; several numbers, with commas, make layers.",
        default="25 for jp2",
        limits=(0.001, 100),
        whole=False,
        many=True,
    ),
    CreationOption(
        name="RESOLUTIONS",
        text="How many resolutions a tile has, each half of the one before: they are the overviews.",
        default="down to a thumbnail of 512 pixels",
        limits=(1, 30),
    ),
    _side("BLOCKXSIZE", "Columns of a tile."),
    _side("BLOCKYSIZE", "Rows of a tile."),
    CreationOption(
        name="PROGRESSION",
        text="Order of the packets in a tile.",
        default="LRCP",
        words=frozenset({"LRCP", "RLCP", "RPCL", "PCRL", "CPRL"}),
    ),
    _switch("SOP", "Whether markers stand before packets."),
    _switch("EPH", "Whether markers stand behind headers of packets."),
    _switch("YCBCR420", "Whether chroma is halved; the image must have even sides."),
    _switch("YCC", "Whether colours are decorrelated.", "YES"),
    CreationOption(name="PROFILE", text="Limits of the standard that GDAL is to keep.", default="AUTO"),
    _switch("JPX", "Whether the file is a JPX where its boxes need one.", "YES"),
    _switch("GEOBOXES_AFTER_JP2C", "Whether the boxes of the place stand behind the codestream."),
    CreationOption(name="PRECINCTS", text="Sizes of precincts.", default="those of GDAL"),
    CreationOption(name="TILEPARTS", text="Whether tiles are cut into parts, and by what.", default="DISABLED"),
    _code_block("CODEBLOCK_WIDTH", "Columns of a code-block."),
    _code_block("CODEBLOCK_HEIGHT", "Rows of a code-block."),
    CreationOption(name="CODEBLOCK_STYLE", text="How code-blocks are coded.", default="0"),
    _switch("PLT", "Whether the lengths of packets are listed."),
    CreationOption(name="COMMENT", text="Text in the header of the codestream.", default="GDAL's", plain_ascii=True),
)
"""All creation options that the user may set."""
HTJ2K_OPTIONS = frozenset({"BLOCKXSIZE", "BLOCKYSIZE", "RESOLUTIONS", "GEOBOXES_AFTER_JP2C", "JPX", "QUALITY"})
"""The options among `OPTIONS` that HTJ2K has."""
HIGH_THROUGHPUT = "htj2k"
"""Name of the HTJ2K profile."""
