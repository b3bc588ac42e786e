"""Tables of an outcome: the methods side by side, the items, the model."""

from cli.measure.tables import Table

_NONE = "n/a"


def _text(value, form):
    return _NONE if value is None else format(value, form)


def qp_text(qp):
    """36, or 36.75."""
    return f"{qp:.2f}".rstrip("0").rstrip(".")


def methods_table(outcome):
    """One row a method; that of the streams comes first."""
    rows = []
    for name in sorted(outcome.results, key=lambda each: each != outcome.method):
        total, qps = outcome.total(name), [way.qp for way in outcome.results[name].ways]
        used = None if total["used"] is None else 100 * total["used"]
        rows.append([
            name, f"{total['bytes']}", f"{total['bpp']:.4f}", _text(used, ".2f"), f"{total['pooled']:.3f}",
            f"{total['mean']:.3f}", _text(total["ms_ssim"], ".5f"), f"{qp_text(min(qps))} to {qp_text(max(qps))}",
            f"{total['points']}",
        ])  # fmt: skip
    headings = ["method", "bytes", "bpp", "budget %", "pooled dB", "mean dB", "MS-SSIM", "QPs", "points"]
    return Table(headings, rows)


def items_table(outcome):
    """One row an item, of the method whose streams are taken."""
    rows = [
        [
            each["item"], each["tools"], qp_text(each["qp"]), f"{each['bytes']}", f"{each['bpp']:.4f}",
            f"{100 * each['share']:.1f}", f"{each['psnr']:.3f}", _text(each["ms_ssim"], ".5f"),
        ]
        for each in outcome.items(outcome.method)
    ]  # fmt: skip
    return Table(["item", "tools", "QP", "bytes", "bpp", "share %", "PSNR dB", "MS-SSIM"], rows, 2)


def model_words(outcome):
    """Sentences about the hyperbolic model and the truth; "" where it was not asked."""
    model = outcome.model()
    if not model:
        return ""
    unit, places = (" dB", 3) if outcome.problem.objective.unit else ("", 5)
    expected, true = (f"{model[key]:.{places}f}{unit}" for key in ("expected_figure", "figure"))
    return (
        f"The hyperbolic model, which knew two encodes an item, expected {model['expected_bytes']:.0f} bytes and "
        f"{expected} of its first choice; true were {model['bytes']} bytes ({100 * model['bytes_error']:+.2f} %) and "
        f"{true}. A single item's bytes were {100 * model['rms_item_bytes_error']:.1f} % off (root mean square)."
    )
