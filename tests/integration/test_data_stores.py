"""Which folder holds the data, which data stores are in it, what they hold; broken ones are named, never fatal."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pytest
from astropy.table import Table

from gammapygpt.data.info import describe
from gammapygpt.data.stores import find_data, find_stores, fingerprint, look
from gammapygpt.errors import UserError
from gammapygpt.settings import DataSettings, Settings


def write_store(folder: Path, **columns: list) -> Path:
    folder.mkdir(parents=True)
    Table(columns or {"OBS_ID": [1, 2], "RA_PNT": [10.0, 20.0], "DEC_PNT": [-5.0, 5.0]}).write(
        folder / "obs-index.fits.gz"
    )
    hdus = {
        "OBS_ID": [1],
        "HDU_TYPE": ["aeff"],
        "HDU_CLASS": ["aeff_2d"],
        "FILE_DIR": ["data"],
        "FILE_NAME": ["run.fits"],
    }
    Table(hdus).write(folder / "hdu-index.fits.gz")
    return folder


def test_the_setting_comes_before_photon_storage_before_gammapy_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("setting", "storage", "gammapy"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PHOTON_STORAGE", str(tmp_path / "storage"))
    monkeypatch.setenv("GAMMAPY_DATA", str(tmp_path / "gammapy"))
    chosen = Settings(data=DataSettings(path=str(tmp_path / "setting")))
    assert find_data(chosen) == tmp_path / "setting"
    assert find_data(Settings()) == tmp_path / "storage"
    monkeypatch.delenv("PHOTON_STORAGE")
    assert find_data(Settings()) == tmp_path / "gammapy"


def test_no_data_folder_is_an_error_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHOTON_STORAGE", raising=False)
    monkeypatch.setenv("GAMMAPY_DATA", str(tmp_path / "gone"))
    with pytest.raises(UserError, match=r"GAMMAPY_DATA names .*gone, which is not a folder.*data simulate FOLDER"):
        find_data(Settings())
    monkeypatch.delenv("GAMMAPY_DATA")
    with pytest.raises(UserError, match="data simulate FOLDER"):
        find_data(Settings())


def test_simulated_store_is_found_with_its_pointings(simulated_data: Path) -> None:
    (store,) = find_stores(simulated_data)
    assert (store.path, store.n_observations, store.obs_ids) == ("dl3-simulated", 4, [1, 2, 3, 4])
    assert store.dec_deg[:2] == pytest.approx([22.5145, 21.5145])
    assert sum(store.ra_deg[2:]) / 2 == pytest.approx(83.633)


def test_the_folder_itself_may_be_the_store(simulated_data: Path) -> None:
    (store,) = find_stores(simulated_data / "dl3-simulated")
    assert store.path == "."
    assert store.checksum == find_stores(simulated_data)[0].checksum


def test_stores_are_looked_for_four_folders_deep_and_not_in_hidden_ones(tmp_path: Path) -> None:
    write_store(tmp_path / "b/c/d/e")
    write_store(tmp_path / "a")
    write_store(tmp_path / ".hidden")
    write_store(tmp_path / "f/g/h/i/too-deep")
    assert [store.path for store in find_stores(tmp_path)] == ["a", "b/c/d/e"]


def test_unpacked_tables_and_missing_pointings_are_taken(tmp_path: Path) -> None:
    store = write_store(tmp_path / "drift", OBS_ID=[7], ALT_PNT=[80.0])
    (store / "obs-index.fits").write_bytes(gzip.decompress((store / "obs-index.fits.gz").read_bytes()))
    (store / "obs-index.fits.gz").unlink()
    (found,) = find_stores(tmp_path)
    assert found.obs_ids == [7]
    assert math.isnan(found.ra_deg[0])
    assert math.isnan(found.dec_deg[0])


def test_broken_stores_are_left_out_and_named(tmp_path: Path) -> None:
    write_store(tmp_path / "good")
    (write_store(tmp_path / "lonely") / "hdu-index.fits.gz").unlink()
    (write_store(tmp_path / "garbage") / "obs-index.fits.gz").write_bytes(b"no fits at all")
    cut = write_store(tmp_path / "truncated") / "obs-index.fits.gz"
    cut.write_bytes(cut.read_bytes()[:200])
    write_store(tmp_path / "nameless", RUN=[1])
    seen = look(tmp_path)
    assert [store.path for store in seen.found] == ["good"]
    reasons = {skipped.path: skipped.reason for skipped in seen.skipped}
    assert reasons.keys() == {"lonely", "garbage", "truncated", "nameless"}
    assert "no HDU index" in reasons["lonely"]
    assert "OBS_ID" in reasons["nameless"]
    assert describe(tmp_path).skipped == seen.skipped


def test_fingerprint_changes_with_either_table(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store")
    before = fingerprint(tmp_path)
    assert before == fingerprint(tmp_path)
    table = Table.read(store / "hdu-index.fits.gz")
    table["FILE_NAME"] = ["other.fits"]
    table.write(store / "hdu-index.fits.gz", overwrite=True)
    after = fingerprint(tmp_path)
    assert before.keys() == after.keys() == {"store"}
    assert before != after


def test_describe_says_what_a_store_holds(simulated_data: Path) -> None:
    (store,) = describe(simulated_data).stores
    assert store.livetime_s == pytest.approx(4 * 1800)
    assert store.telescopes == ["SIMIACT"]
    assert store.irfs == ["aeff_2d", "bkg_2d", "edisp_2d", "psf_3gauss"]
    assert store.missing == []
    assert store.terms == ["dl3-simulated/README.txt"]


def test_describe_names_missing_files_and_the_terms_of_the_folder_above(tmp_path: Path) -> None:
    write_store(tmp_path / "collection" / "store")
    (tmp_path / "collection" / "LICENCE.rst").write_text("CC BY 4.0")
    (store,) = describe(tmp_path).stores
    assert store.missing == ["data/run.fits"]
    assert store.terms == ["collection/LICENCE.rst"]
    assert store.livetime_s is None


def test_describe_refuses_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a folder"):
        describe(tmp_path / "nothing")
