"""codec.h265.syntax.params: tile structure against 6.5.1 as written, slice values after inheritance from the PPS."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.h265.structs import PARAMS, SLICE, SLICE_B, SLICE_I, SLICE_P
from codec.h265.syntax.params import ctb_layout, make_params, make_slice
from codec.h265.syntax.pps import Pps, check_pps
from codec.h265.syntax.slice_header import SliceHeader
from codec.h265.syntax.sps import Sps


def spec_layout(width, height, column_widths, row_heights):
    """(6-3) to (6-7) as written."""
    col_bd, row_bd = [0], [0]
    for size in column_widths:
        col_bd.append(col_bd[-1] + size)
    for size in row_heights:
        row_bd.append(row_bd[-1] + size)
    rs_to_ts, tile_id = [0] * (width * height), [0] * (width * height)
    for addr in range(width * height):
        tb_x, tb_y = addr % width, addr // width
        tile_x = max(i for i in range(len(column_widths)) if tb_x >= col_bd[i])
        tile_y = max(i for i in range(len(row_heights)) if tb_y >= row_bd[i])
        value = sum(row_heights[tile_y] * column_widths[i] for i in range(tile_x))
        value += sum(width * row_heights[j] for j in range(tile_y))
        value += (tb_y - row_bd[tile_y]) * column_widths[tile_x] + tb_x - col_bd[tile_x]
        rs_to_ts[addr] = value
        tile_id[addr] = tile_y * len(column_widths) + tile_x
    return rs_to_ts, tile_id, col_bd, row_bd


def split(data, total, label):
    """Random sizes that add up to `total`."""
    count = data.draw(st.integers(1, min(total, 5)), label)
    cuts = sorted(data.draw(st.permutations(range(1, total)), label)[: count - 1])
    return [b - a for a, b in zip([0, *cuts], [*cuts, total], strict=True)]


@given(st.data(), st.integers(1, 12), st.integers(1, 9), st.booleans())
@settings(max_examples=80, deadline=None)
def test_layout(data, width, height, uniform):
    sps = Sps(pic_width_in_luma_samples=64 * width - 56, pic_height_in_luma_samples=64 * height - 8)
    columns, rows = split(data, width, "columns"), split(data, height, "rows")
    pps = Pps(num_tile_columns_minus1=len(columns) - 1, num_tile_rows_minus1=len(rows) - 1)
    if uniform:
        columns = [(i + 1) * width // len(columns) - i * width // len(columns) for i in range(len(columns))]
        rows = [(i + 1) * height // len(rows) - i * height // len(rows) for i in range(len(rows))]
    else:
        pps.uniform_spacing_flag = 0
        pps.column_width_minus1 = [size - 1 for size in columns[:-1]]
        pps.row_height_minus1 = [size - 1 for size in rows[:-1]]
    check_pps(pps, sps)
    layout = ctb_layout(sps, pps)
    rs_to_ts, tile_id, col_bd, row_bd = spec_layout(width, height, columns, rows)
    assert layout.ctb_addr_rs_to_ts.tolist() == rs_to_ts
    assert [rs_to_ts[addr] for addr in layout.ctb_addr_ts_to_rs] == list(range(width * height))
    assert layout.tile_id.tolist() == tile_id
    assert layout.column_boundaries.tolist() == col_bd and layout.row_boundaries.tolist() == row_bd
    assert all(array.dtype == np.int32 for array in layout)


def test_params_are_derived_values():
    sps = Sps(pic_width_in_luma_samples=72, pic_height_in_luma_samples=136, bit_depth_luma_minus8=2)
    sps.log2_min_luma_coding_block_size_minus3, sps.log2_diff_max_min_luma_coding_block_size = 0, 2
    params = make_params(sps, Pps(pps_cb_qp_offset=-3, log2_parallel_merge_level_minus2=1))
    assert params.dtype == PARAMS and params.shape == (1,)
    expected = {
        "pic_width": 72,
        "pic_height": 136,
        "bit_depth_y": 10,
        "bit_depth_c": 8,
        "log2_ctb_size": 5,
        "log2_min_cb_size": 3,
        "log2_min_tb_size": 2,
        "log2_max_tb_size": 5,
        "width_in_ctbs": 3,
        "height_in_ctbs": 5,
        "width_in_units": 18,
        "height_in_units": 34,
        "cb_qp_offset": -3,
        "cr_qp_offset": 0,
        "log2_parallel_merge_level": 3,
        "loop_filter_across_tiles": 1,
    }
    assert {name: int(params[0][name]) for name in expected} == expected


def test_slice_values():
    header = SliceHeader(slice_type=SLICE_P, slice_qp_delta=-4, slice_cb_qp_offset=2, num_ref_idx_l0_active_minus1=2)
    header.num_ref_idx_l1_active_minus1, header.five_minus_max_num_merge_cand, header.slice_addr = 3, 2, 17
    record = make_slice(Sps(), Pps(init_qp_minus26=6, pps_cb_qp_offset=1), header, poc=-7, no_backward_pred=1)
    assert record.dtype == SLICE and record.shape == (1,)
    values = {name: int(record[0][name]) for name in SLICE.names}
    assert values["slice_qp_y"] == 28 and values["slice_cb_qp_offset"] == 2 and values["slice_addr"] == 17
    assert values["num_ref_idx_l0"] == 3 and values["num_ref_idx_l1"] == 0 and values["max_num_merge_cand"] == 3
    assert values["poc"] == -7 and values["no_backward_pred"] == 1
    header.slice_type = SLICE_B
    assert make_slice(Sps(), Pps(), header)[0]["num_ref_idx_l1"] == 4
    header.slice_type = SLICE_I
    assert make_slice(Sps(), Pps(), header)[0]["num_ref_idx_l0"] == 0


@pytest.mark.parametrize(
    ("pps_values", "header_values", "expected"),
    [
        ((0, 1, -2), None, (0, 2, -4)),
        ((1, 0, 0), None, (1, 0, 0)),
        ((0, 1, -2), (0, 3, 4), (0, 6, 8)),
        ((1, 0, 0), (0, -6, 6), (0, -12, 12)),
        ((0, 1, -2), (1, 3, 4), (1, 2, -4)),
    ],
)
def test_deblocking_is_inherited_or_overridden(pps_values, header_values, expected):
    pps, header = Pps(), SliceHeader()
    pps.pps_deblocking_filter_disabled_flag, pps.pps_beta_offset_div2, pps.pps_tc_offset_div2 = pps_values
    if header_values is not None:
        header.deblocking_filter_override_flag = 1
        header.slice_deblocking_filter_disabled_flag, header.slice_beta_offset_div2, header.slice_tc_offset_div2 = (
            header_values
        )
    record = make_slice(Sps(), pps, header)[0]
    assert (record["deblocking_disabled"], record["beta_offset"], record["tc_offset"]) == expected


@pytest.mark.parametrize(("across", "disabled", "sao", "coded", "expected"), [
    (1, 0, 0, 0, 0), (1, 0, 0, 1, 1), (1, 1, 0, 0, 1), (1, 1, 1, 0, 0), (0, 0, 0, 1, 0),
])  # fmt: skip
def test_loop_filter_across_slices_is_inferred_where_not_coded(across, disabled, sao, coded, expected):
    pps = Pps(pps_loop_filter_across_slices_enabled_flag=across, pps_deblocking_filter_disabled_flag=disabled)
    header = SliceHeader(slice_sao_luma_flag=sao, slice_loop_filter_across_slices_enabled_flag=coded)
    assert make_slice(Sps(), pps, header)[0]["loop_filter_across_slices"] == expected
