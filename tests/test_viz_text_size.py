"""The table of glyph advances; run as a script, this writes it anew from the fonts that matplotlib bundles."""

import json
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import ft2font
from matplotlib.ft2font import FT2Font

from viz import text_size

TABLE = Path(text_size.__file__).with_name("glyph_advances.json")
FACES = {"regular": "DejaVuSans.ttf", "bold": "DejaVuSans-Bold.ttf"}

FLAGS = getattr(ft2font, "LoadFlags", None)  # from Matplotlib 3.10 on
NO_SCALE = FLAGS.NO_SCALE if FLAGS else ft2font.LOAD_NO_SCALE
NO_HINTING = FLAGS.NO_HINTING if FLAGS else ft2font.LOAD_NO_HINTING


def font(face):
    return FT2Font(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / FACES[face]))


def runs_of_advances(face):
    runs, last = {}, None
    glyphs = font(face)
    for code in sorted(glyphs.get_charmap()):
        if last is None or code != last + 1:
            run = runs.setdefault(str(code), [])
        run.append(glyphs.load_char(code, NO_SCALE).horiAdvance)
        last = code
    return runs


@pytest.mark.parametrize("face", FACES)
def test_the_table_holds_the_advances_of_the_font(face):
    table = json.loads(TABLE.read_text("ascii"))
    assert table["units_per_em"] == font(face).units_per_EM
    assert table[face] == runs_of_advances(face)


@pytest.mark.parametrize(
    ("text", "bold"), [("upstream × local = 0.25", False), ("h[3] = −1.5", True), ("", False)]
)
def test_a_width_is_that_of_the_drawn_text(text, bold):
    glyphs = font("bold" if bold else "regular")
    glyphs.set_size(64, 72)
    glyphs.set_text(text, flags=NO_HINTING)
    drawn = glyphs.get_width_height()[0] / 64
    assert text_size.text_width(text, 64, bold=bold) == pytest.approx(drawn, abs=10)


def test_a_missing_glyph_has_room_for_an_ideograph():
    assert text_size.missing_glyphs("x日本") == {"日", "本"}
    assert text_size.text_width("日", 10) >= 10


def write_table():
    faces = []
    for face in FACES:
        runs = runs_of_advances(face).items()
        rows = [f'"{first}":{json.dumps(run, separators=(",", ":"))}' for first, run in runs]
        faces.append(f'"{face}":{{\n' + ",\n".join(rows) + "\n}")
    units = font("regular").units_per_EM
    TABLE.write_text(f'{{\n"units_per_em":{units},\n' + ",\n".join(faces) + "\n}\n", "ascii")


if __name__ == "__main__":
    write_table()
