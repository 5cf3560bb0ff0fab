"""Sequence files: what is written reads back, and what is wrong is said in one line."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinprint import Sequence, SequenceError, load_sequence
from spinprint.sequence import (
    Block,
    Crusher,
    Delay,
    DiffusionPreparation,
    GivenProfile,
    Inversion,
    ReadoutTrain,
    SliceProfile,
    SLRProfile,
    SmallTipProfile,
    SpinLock,
    T2Preparation,
    format_sequence,
    parse_sequence,
)

EXAMPLE = """\
format = "spinprint-sequence/1"
name = "example"
field_strength_t = 3.0
spoiler_rad_per_mm = 0.0

[[block]]
type = "inversion"
delay_ms = 20.0
efficiency = 1.0

[[block]]
type = "readout_train"
flip_deg = [10.0, 20, 30.5]
phase_deg = 0.0
tr_ms = 12.0
te_ms = 2.0
spoiler_cycles = 1
"""


def test_reads_the_format_into_si_units() -> None:
    assert parse_sequence(EXAMPLE) == Sequence(
        name="example",
        field_strength=3.0,
        blocks=(
            Inversion(delay=0.020),
            ReadoutTrain(flip=[math.radians(a) for a in (10, 20, 30.5)], tr=0.012, te=0.002),
        ),
    )


def test_the_spoiler_may_be_left_out() -> None:
    assert parse_sequence(EXAMPLE.replace("spoiler_rad_per_mm = 0.0\n", "")).spoiler == 0.0


def test_reads_the_options() -> None:
    head, blocks = EXAMPLE.split("[[block]]", 1)
    text = f"""{head}
t1rho_dispersion_per_khz = 0.3
t1rho_reference_hz = 500.0
[slice_profile]
type = "slr"
time_bandwidth = 4
positions = 9
[[block]]
type = "t2_prep"
echo_time_ms = 40
pulses = "hard"
[[block]]
type = "spin_lock"
duration_ms = 20
frequency_hz = 300
scheme = "balanced"
[[block]]{blocks}"""
    read = parse_sequence(text)
    assert read.t1rho_dispersion == pytest.approx(0.3e-3)
    assert read.t1rho_reference == 500.0
    assert read.slice_profile == SLRProfile(time_bandwidth=4.0, positions=9, extent=2.0)
    assert read.blocks[:2] == (
        T2Preparation(echo_time=0.04, pulses="hard"),
        SpinLock(lock_time=0.02, frequency=300, scheme="balanced"),
    )
    assert parse_sequence(format_sequence(read)) == read


PROFILE = '[slice_profile]\ntype = "slr"\ntime_bandwidth = 4\n'


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            PROFILE.replace("slr", "sinc"),
            "slice_profile: type = 'sinc' must be one of given, small",
        ),
        ("slice_profile = 3\n", "slice_profile: type = None must be one of given"),
        (PROFILE.replace("= 4", "= 0"), r"slice_profile \(slr\): time_bandwidth = 0 must be from"),
        (
            PROFILE.replace("_b", "b"),
            r"slice_profile \(slr\): unknown key 'timebandwidth'; the keys",
        ),
        (PROFILE + "positions = 2.5\n", r"slice_profile \(slr\): positions = 2.5 must be a whole"),
        (PROFILE.split("time")[0], r"slice_profile \(slr\): key 'time_bandwidth' is missing"),
        ("t1rho_dispersion_per_khz = '1'\n", "t1rho_dispersion_per_khz = '1' must be a number"),
    ],
)
def test_a_broken_option_is_one_line_with_its_place(table: str, message: str) -> None:
    with pytest.raises(SequenceError, match=f"^sequence: {message}") as caught:
        parse_sequence(EXAMPLE.replace("[[block]]", f"{table}[[block]]", 1))
    assert "\n" not in str(caught.value)


def times(high: float = 10.0) -> st.SearchStrategy[float]:
    return st.floats(0, high, allow_subnormal=False)


angles = st.floats(-10, 10, allow_subnormal=False)
preparations: st.SearchStrategy[Block] = st.one_of(
    st.builds(Inversion, delay=times(), efficiency=st.floats(0, 1)),
    st.builds(T2Preparation, echo_time=times(), pulses=st.sampled_from(["ideal", "hard"])),
    st.builds(
        SpinLock,
        lock_time=times(),
        frequency=st.floats(1, 2000),
        scheme=st.sampled_from(["ideal", "simple", "self_compensated", "balanced"]),
    ),
    st.builds(DiffusionPreparation, b_value=st.floats(0, 5000), echo_time=times()),
    st.builds(Crusher),
    st.builds(Delay, length=times()),
)


@st.composite
def trains(draw: st.DrawFn) -> ReadoutTrain:
    pulses = draw(st.integers(1, 5))

    def per_pulse(values: st.SearchStrategy[Any]) -> Any:
        return draw(values | st.lists(values, min_size=pulses, max_size=pulses))

    return ReadoutTrain(
        flip=draw(st.lists(angles, min_size=pulses, max_size=pulses)),
        phase=per_pulse(angles),
        tr=per_pulse(st.floats(0.02, 10)),
        te=per_pulse(st.floats(0, 0.02)),
        spoiler_cycles=per_pulse(st.sampled_from([0, 1])),
    )


sinc: dict[str, st.SearchStrategy[Any]] = {
    "time_bandwidth": st.floats(1, 32),
    "positions": st.integers(1, 200),
    "extent": st.floats(1, 10),
}
profiles: st.SearchStrategy[SliceProfile] = st.one_of(
    st.builds(SmallTipProfile, **sinc),
    st.builds(
        GivenProfile,
        relative_flip=st.lists(angles, min_size=3, max_size=3),
        weight=st.floats(0.1, 1) | st.lists(st.floats(0.1, 1), min_size=3, max_size=3),
    ),
)
dispersions = st.builds(
    lambda dispersion, reference: (
        {"t1rho_dispersion": dispersion, "t1rho_reference": reference} if dispersion else {}
    ),
    st.floats(-1e-4, 1e-4, allow_subnormal=False),
    st.floats(0, 2000),
)

sequences = st.builds(
    lambda before, train, after, dispersion, **head: Sequence(
        blocks=(*before, train, *after), **dispersion, **head
    ),
    before=st.lists(preparations, max_size=3),
    train=trains(),
    after=st.lists(preparations | trains(), max_size=3),
    name=st.text(st.characters(codec="utf-8")),
    citation=st.text(st.characters(codec="utf-8")),
    field_strength=st.floats(0.01, 20),
    spoiler=st.floats(0, 100),
    dispersion=dispersions,
    slice_profile=st.none() | profiles,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(sequences)
def test_any_sequence_survives_its_file_exactly(sequence: Sequence) -> None:
    read = parse_sequence(format_sequence(sequence))
    assert read == sequence
    assert read.digest == sequence.digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("delay_ms", "delay", r"block 1 \(inversion\): unknown key 'delay'; the keys are type, d"),
        ("efficiency = 1.0\n", "", r"block 1 \(inversion\): key 'efficiency' is missing"),
        ("field_strength_t = 3.0\n", "", "key 'field_strength_t' is missing"),
        ('format = "spinprint-sequence/1"\n', "", "key 'format' is missing"),
        ("name =", "title =", "unknown key 'title'; the keys are format, name, field_str"),
        ("sequence/1", "sequence/2", "format = 'spinprint-sequence/2' must be \"spinprint-sequ"),
        ('name = "example"', "name = 7", "name = 7 must be text"),
        ("field_strength_t = 3.0", 'field_strength_t = "3 T"', "field_strength_t = '3 T' must b"),
        ("field_strength_t = 3.0", "field_strength_t = true", "field_strength_t = True must be"),
        ("field_strength_t = 3.0", "field_strength_t = nan", "field_strength_t = nan must be p"),
        ('"inversion"', '"inversoin"', "block 1: type = 'inversoin' must be one of inversion, t2"),
        ('"inversion"', '["inversion"]', r"block 1: type = \['inversion'\] must be one of inver"),
        ('type = "inversion"\n', "", "block 1: type = None must be one of inversion, t2_prep"),
        ("delay_ms = 20.0", "delay_ms = -1", r"block 1 \(inversion\): delay_ms = -1 must be at "),
        ("delay_ms = 20.0", "delay_ms = [20.0]", r"block 1 \(inversion\): delay_ms = \[20.0\] m"),
        ("delay_ms = 20.0", "delay_ms = true", r"block 1 \(inversion\): delay_ms = True must be"),
        ("delay_ms = 20.0", "delay_ms = 1" + "0" * 400, r"block 1 \(inversion\): delay_ms holds"),
        ("efficiency = 1.0", "efficiency = 1.5", r"block 1 \(inversion\): efficiency = 1.5 must"),
        ("te_ms = 2.0", "te_ms = 15.0", r"block 2 \(readout_train\): te_ms\[0\] = 15 exceeds tr"),
        ("tr_ms = 12.0", "tr_ms = [12.0, 12.0]", r"block 2 \(readout_train\): tr_ms has 2 value"),
        ("tr_ms = 12.0", "tr_ms = []", r"block 2 \(readout_train\): tr_ms is empty"),
        ("tr_ms = 12.0", "tr_ms = [12, -3, 12]", r"block 2 \(readout_train\): tr_ms\[1\] = -3 m"),
        ("tr_ms = 12.0", 'tr_ms = "12"', r"block 2 \(readout_train\): tr_ms = '12' must be a nu"),
        ("30.5]", "nan]", r"block 2 \(readout_train\): flip_deg\[2\] = nan must be a finite num"),
        ("30.5]", "false]", r"block 2 \(readout_train\): flip_deg\[2\] = False must be a number"),
        ("cycles = 1", "cycles = 3", r"block 2 \(readout_train\): spoiler_cycles = 3 must be on"),
        ('[[block]]\ntype = "readout_train"', "[head]\nx = 1", "unknown key 'head'; the keys "),
    ],
)
def test_a_broken_rule_is_one_line_with_its_place(old: str, new: str, message: str) -> None:
    assert old in EXAMPLE
    with pytest.raises(SequenceError, match=f"^file.toml: {message}") as caught:
        parse_sequence(EXAMPLE.replace(old, new, 1), source="file.toml")
    assert "\n" not in str(caught.value)


HEAD = EXAMPLE.split("[[")[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "key 'block' is missing"),
        (HEAD + "block = []", "no block is a readout_train"),
        (HEAD + "block = [3]", "block 1: type = None must be one of"),
        (HEAD + '[block]\ntype = "crusher"', r"block must be a list .* with \[\[block\]\]"),
        (HEAD + '[[block]]\ntype = "crusher"', "no block is a readout_train"),
        (EXAMPLE + "= 3", r"not valid TOML \(.*line 18"),
    ],
)
def test_a_file_without_the_right_blocks(text: str, message: str) -> None:
    with pytest.raises(SequenceError, match=f"^sequence: {message}"):
        parse_sequence(text)


def test_loads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    path.write_text(EXAMPLE)
    assert load_sequence(path) == load_sequence(str(path)) == parse_sequence(EXAMPLE)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode())
    assert load_sequence(path) == parse_sequence(EXAMPLE)


def test_a_missing_file_names_the_presets(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(SequenceError, match=f"^{path}: no such file, nor a preset .fisp_jiang2015"):
        load_sequence(path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", EXAMPLE.encode("utf-16")])
def test_a_file_that_is_not_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(content)
    with pytest.raises(SequenceError, match=f"^{path}: cannot be read as text") as caught:
        load_sequence(path)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=f"^{tmp_path}: cannot be read as text"):
        load_sequence(tmp_path)
