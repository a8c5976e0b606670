import subprocess
import sys

CODE = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "geosal.cli.main":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
sys.meta_path.insert(0, Interrupting())
from geosal.__main__ import main
main()
"""


def test_an_interrupt_while_the_command_loads_is_one_line() -> None:
    ended = subprocess.run([sys.executable, "-P", "-c", CODE], capture_output=True, text=True, check=False, timeout=60)
    line = "geosal: error: interrupted; nothing incomplete stands under the name of an output\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", line)
