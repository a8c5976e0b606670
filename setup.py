"""How the compiled loops are named. All else about the package stands in pyproject.toml."""

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext


class PlainLibraries(build_ext):
    """ctypes loads the loops, and nothing in them knows Python: so no name of a file tells one version of it."""

    def get_ext_filename(self, fullname: str) -> str:
        """Path of a library below the root of the package's folders."""
        return fullname.replace(".", "/") + ".so"


class WheelForEveryPython(bdist_wheel):
    """One wheel for each platform, whatever Python built it."""

    def get_tag(self) -> tuple[str, str, str]:
        """Python, its binary interface, and the platform."""
        return "py3", "none", super().get_tag()[2]


setup(cmdclass={"build_ext": PlainLibraries, "bdist_wheel": WheelForEveryPython})
