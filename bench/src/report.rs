//! What was measured, as a table and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::measure::Spread;

/// What a figure must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Budget {
    /// The ratio must be at least this.
    RatioAtLeast(f64),
    /// The ratio must be at most this.
    RatioAtMost(f64),
    /// The measured figure must be at least this.
    AtLeast(f64),
    /// The measured figure must be at most this.
    AtMost(f64),
    /// Told for understanding; there is no budget for it.
    None,
}

/// A figure and its unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) spread: Spread,
    pub(crate) unit: &'static str,
}

/// One row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) measured: Figure,
    pub(crate) reference: Option<Figure>,
    pub(crate) ratio: Option<Spread>,
    pub(crate) budget: Budget,
}

impl Line {
    /// Compares samples with those of a reference, taken in the same rounds.
    pub(crate) fn compared(
        what: impl Into<String>,
        unit: &'static str,
        (measured, reference): (&[f64], &[f64]),
        budget: Budget,
    ) -> Self {
        let figure = |samples: &[f64]| Figure {
            spread: Spread::of(samples.iter().copied()),
            unit,
        };
        Self {
            what: what.into(),
            measured: figure(measured),
            reference: Some(figure(reference)),
            ratio: Some(Spread::of_ratios(measured, reference)),
            budget,
        }
    }

    /// A figure by itself.
    pub(crate) fn absolute(
        what: impl Into<String>,
        unit: &'static str,
        samples: &[f64],
        budget: Budget,
    ) -> Self {
        Self {
            what: what.into(),
            measured: Figure {
                spread: Spread::of(samples.iter().copied()),
                unit,
            },
            reference: None,
            ratio: None,
            budget,
        }
    }

    /// Whether the median keeps the budget; `None` without one.
    fn keeps(&self) -> Option<bool> {
        let ratio = self.ratio.map_or(f64::NAN, |ratio| ratio.median);
        let measured = self.measured.spread.median;
        match self.budget {
            Budget::RatioAtLeast(least) => Some(ratio >= least),
            Budget::RatioAtMost(most) => Some(ratio <= most),
            Budget::AtLeast(least) => Some(measured >= least),
            Budget::AtMost(most) => Some(measured <= most),
            Budget::None => None,
        }
    }

    /// Whether there is a budget that isn't kept.
    pub(crate) fn is_missed(&self) -> bool {
        self.keeps() == Some(false)
    }

    fn cells(&self) -> [String; 6] {
        let unit = self.measured.unit;
        [
            self.what.clone(),
            figure(&self.measured),
            self.reference.as_ref().map(figure).unwrap_or_default(),
            self.ratio.map(ratio).unwrap_or_default(),
            match self.budget {
                Budget::RatioAtLeast(least) => format!("≥ {least:.2}"),
                Budget::RatioAtMost(most) => format!("≤ {most:.2}"),
                Budget::AtLeast(least) => format!("≥ {} {unit}", number(least)),
                Budget::AtMost(most) => format!("≤ {} {unit}", number(most)),
                Budget::None => String::new(),
            },
            match self.keeps() {
                Some(true) => "pass".to_owned(),
                Some(false) => "MISS".to_owned(),
                None => String::new(),
            },
        ]
    }

    fn json(&self) -> Value {
        let spread =
            |spread: Spread| json!({ "median": spread.median, "low": spread.low, "high": spread.high });
        json!({
            "what": self.what,
            "unit": self.measured.unit,
            "measured": spread(self.measured.spread),
            "reference": self.reference.map(|figure| spread(figure.spread)),
            "ratio": self.ratio.map(spread),
            "budget": match self.budget {
                Budget::RatioAtLeast(least) => json!({ "of": "ratio", "at_least": least }),
                Budget::RatioAtMost(most) => json!({ "of": "ratio", "at_most": most }),
                Budget::AtLeast(least) => json!({ "of": "measured", "at_least": least }),
                Budget::AtMost(most) => json!({ "of": "measured", "at_most": most }),
                Budget::None => Value::Null,
            },
            "kept": self.keeps(),
        })
    }
}

/// All rows as a Markdown table whose columns stand in line.
pub(crate) fn table(lines: &[Line]) -> String {
    let head = ["what", "measured", "reference", "ratio (low–high)", "budget", ""].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head)
        .chain(lines.iter().map(Line::cells))
        .collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            for width in widths {
                let _ = write!(text, "|{:-<1$}", "", width + 2);
            }
            text.push_str("|\n");
        }
    }
    text
}

/// All rows with the machine they were measured on.
pub(crate) fn json(machine: &str, quick: bool, lines: &[Line]) -> Value {
    json!({
        "machine": machine,
        "quick": quick,
        "lines": lines.iter().map(Line::json).collect::<Vec<_>>(),
    })
}

fn figure(figure: &Figure) -> String {
    format!("{} {}", number(figure.spread.median), figure.unit)
}

fn ratio(spread: Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", spread.median, spread.low, spread.high)
}

/// Three digits that count; whole from a hundred on, with commas.
fn number(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_missed_by_the_median_and_only_beyond_its_edge() {
        let line = |measured: &[f64], budget| Line::compared("x", "ns", (measured, &[10.0, 10.0]), budget);
        for (measured, budget, missed) in [
            ([8.0, 8.0], Budget::RatioAtLeast(0.9), true),
            ([9.0, 9.0], Budget::RatioAtLeast(0.9), false),
            ([12.0, 12.0], Budget::RatioAtMost(1.1), true),
            ([11.0, 11.0], Budget::RatioAtMost(1.1), false),
            ([99.0, 100.0], Budget::AtLeast(100.0), true),
            ([100.0, 100.0], Budget::AtLeast(100.0), false),
            ([100.0, 102.0], Budget::AtMost(100.0), true),
            ([100.0, 100.0], Budget::AtMost(100.0), false),
            ([0.0, 0.0], Budget::None, false),
        ] {
            assert_eq!(
                line(&measured, budget).is_missed(),
                missed,
                "{measured:?} {budget:?}"
            );
        }
        // A budget on a ratio that was not measured is not kept.
        assert!(Line::absolute("x", "ns", &[1.0], Budget::RatioAtLeast(0.9)).is_missed());
    }

    #[test]
    fn numbers_are_rounded_for_people() {
        for (value, text) in [
            (0.123, "0.12"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1234.5, "1,234"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
