"""Training files, and one-line errors in them."""

from pathlib import Path
from typing import Any

import pytest

from spinprint import InputError, ModelError, Prior, Recurrent, TrainConfig, load_config, presets
from spinprint.training.config import parse_config, with_seed

FILE = """
format = "spinprint-train/1"
seed = 7

[network]
core = { kind = "recurrent", cell = "lstm", width = 32 }
known = ["b1"]

[prior]
constraints = [["t2", "t1"]]
[prior.laws]
t1 = { law = "uniform", low = 0.1, high = 4.0, log = true }
t2 = { law = "uniform", low = 0.01, high = 1.0, log = true }
b1 = { law = "uniform", low = 0.7, high = 1.3, log = false }

[[stage]]
name = "clean"
snr_db = "clean"
steps = 20

[[stage]]
name = "noisy"
snr_db = [10, 60]
snr_db_end = [5, 40]
steps = 30
start = "clean"
frozen = ["head"]
"""


def test_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "train.toml"
    path.write_text(FILE)
    config = load_config(path)
    assert config.seed == 7
    assert config.network.core == Recurrent(cell="lstm", width=32)
    clean, noisy = config.stage
    assert (clean.snr_db, clean.steps) == ("clean", 20)
    assert (noisy.snr_db, noisy.snr_db_end, noisy.frozen) == ((10, 60), (5, 40), ("head",))
    prior = config.stated_prior()
    assert isinstance(prior, Prior)
    assert prior.unknowns == ("t1", "t2", "b1")


def test_settings_survive_plain_values() -> None:
    prior = Prior.default(presets.knee_t1_t2_t1rho()).to_dict()
    config = TrainConfig(seed=3, prior=prior)
    assert parse_config(config.model_dump(mode="json")) == config
    assert with_seed(config, 8) == TrainConfig(seed=8, prior=prior)


@pytest.mark.parametrize("seed", [-1, 1 << 32])
def test_invalid_seed_raises(seed: int) -> None:
    with pytest.raises(ModelError, match="seed: input should be"):
        with_seed(TrainConfig(), seed)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("steps = 20", "steps = 0", "stage.0.steps: input should be greater than or equal to 1"),
        ("steps = 20", "step = 20", "stage.0.step: unknown key"),
        ("steps = 20", "steps = 2.5", "stage.0.steps: input should be a valid integer"),
        ("steps = 20", "learning_rate = inf", "stage.0.learning_rate: "),
        ("steps = 20", "learning_rate = nan", "stage.0.learning_rate: "),
        ('name = "clean"', 'name = "noisy"', "stage: two are named 'noisy'"),
        ('name = "clean"', 'name = "scratch"', "name: 'scratch' is reserved"),
        ('name = "clean"', 'name = "a/b"', "stage.0.name: string should match"),
        ('start = "clean"', 'start = "noisy"', "start: 'noisy' is none of scratch, previous, cle"),
        ('start = "clean"', 'teacher = "later"', "teacher: 'later' is none of posterior, clean"),
        ('snr_db = "clean"', 'snr_db = "loud"', "stage.0.snr_db"),
        ('snr_db = "clean"', "snr_db = [40, 10]", "snr_db: must ascend, from -60 to 200 dB"),
        ('snr_db = "clean"', 'snr_db = "clean"\nteacher = "posterior"', "a posterior needs noise"),
        ('snr_db = "clean"', 'snr_db = "clean"\nsnr_db_end = [1, 2]', "snr_db_end: a clean stage"),
        ('frozen = ["head"]', 'frozen = ["input", "core", "head"]', "nothing to train"),
        ('frozen = ["head"]', 'frozen = ["tail"]', "stage.1.frozen.0: input should be 'input'"),
        ('frozen = ["head"]', 'loss = "mse"', "loss: the last stage of a network that outputs"),
        ('known = ["b1"]', 'output = "mean"', "loss: a network that outputs only means needs mse"),
        ('known = ["b1"]', 'known = ["t1"]', "network.known.0: input should be 'b1' or 'b0'"),
        (
            'frozen = ["head"]\n',
            'teacher = "posterior"\n[network.x]\n',
            "network.x: unknown key",
        ),
        ("high = 4.0", "high = 0.05", "prior: a law from 0.1 to 0.05"),
        ("t1 = {", "t9 = {", "prior: prior of 't9': it must be one of"),
        ("seed = 7", "seed = 7\nseed = 8", "not valid TOML"),
        ("train/1", "train/9", "format: input should be 'spinprint-train/1'"),
    ],
)
def test_invalid_file_raises_with_name_key_and_rule(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    assert FILE.count(before) >= 1
    path = tmp_path / "train.toml"
    path.write_text(FILE.replace(before, after, 1))
    with pytest.raises(InputError) as raised:
        load_config(path)
    text = str(raised.value)
    assert text.startswith(f"{path}: ")
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(("key", "name"), [("linear", "t2"), ("known", "b1")])
def test_posterior_cannot_teach_known_or_linear_networks(key: str, name: str) -> None:
    data: dict[str, Any] = {"network": {key: [name]}, "stage": [{"teacher": "posterior"}]}
    with pytest.raises(ModelError, match=rf"leave network\.{key} empty"):
        parse_config(data)


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such training file"), (b"\xff\xfe", "cannot be read as")]
)
def test_unreadable_file_raises(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "train.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        load_config(path)


def test_longer_training_of_the_guide_is_valid() -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "longer.toml"
    assert load_config(path).stage[0].steps > TrainConfig().stage[0].steps
