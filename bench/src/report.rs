//! The table: medians, ratios, targets and whether they are met.

use std::fmt::Write as _;

use crate::proxy::{Kind, PerProxy};
use crate::statistics::{median, spread};

/// What is to be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// Postern's median over another's, at most.
    Ratio(Kind, f64),
    /// Postern's median, at most, in the row's unit.
    Value(f64),
}

/// One quantity, measured of each proxy. A proxy without values was left out.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What was done.
    pub(crate) scenario: String,
    /// What was measured, with its unit.
    pub(crate) quantity: &'static str,
    /// One value a round.
    pub(crate) values: PerProxy<Vec<f64>>,
    /// What is to be reached, if anything.
    pub(crate) target: Option<Target>,
}

impl Row {
    fn median(&self, kind: Kind) -> Option<f64> {
        median(&self.values[kind])
    }

    fn ratio(&self, other: Kind) -> Option<f64> {
        Some(self.median(Kind::Postern)? / self.median(other)?)
    }

    /// Whether the target is met, if there is one and it was measured.
    pub(crate) fn is_met(&self) -> Option<bool> {
        Some(match self.target? {
            Target::Ratio(other, limit) => self.ratio(other)? <= limit,
            Target::Value(limit) => self.median(Kind::Postern)? <= limit,
        })
    }

    fn line(&self) -> String {
        let cells = Kind::ALL.map(|kind| cell(&self.values[kind]));
        let ratios =
            [Kind::Nginx, Kind::Haproxy].map(|kind| self.ratio(kind).map_or("–".into(), |x| format!("{x:.2}")));
        let target = match self.target {
            None => String::new(),
            Some(Target::Ratio(kind, limit)) => format!("≤ {limit} of {kind}"),
            Some(Target::Value(limit)) => format!("≤ {limit}"),
        };
        let met = match (self.target, self.is_met()) {
            (None, _) => "",
            (_, None) => "not measured",
            (_, Some(true)) => "yes",
            (_, Some(false)) => "**no**",
        };
        let [nginx, haproxy, postern] = cells;
        let [of_nginx, of_haproxy] = ratios;
        format!(
            "| {} | {} | {nginx} | {haproxy} | {postern} | {of_nginx} | {of_haproxy} | {target} | {met} |",
            self.scenario, self.quantity
        )
    }
}

fn cell(values: &[f64]) -> String {
    match (median(values), spread(values)) {
        (Some(median), Some(spread)) if values.len() > 1 => format!("{} ({:.0} %)", number(median), spread * 100.0),
        (Some(median), _) => number(median),
        (None, _) => "–".to_owned(),
    }
}

/// With three digits or more.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// What one scenario found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// For the table.
    pub(crate) rows: Vec<Row>,
    /// For the lines below it.
    pub(crate) notes: Vec<String>,
}

/// All that a run found.
#[derive(Debug)]
pub(crate) struct Report {
    /// Date, versions, command: one line each.
    pub(crate) circumstances: Vec<String>,
    /// What the scenarios found.
    pub(crate) findings: Findings,
    /// Scenarios that failed, and why.
    pub(crate) failures: Vec<String>,
}

impl Report {
    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        for line in &self.circumstances {
            let _ = writeln!(text, "- {line}");
        }
        text.push_str("\n| scenario | measured | nginx | HAProxy | Postern | of nginx | of HAProxy | target | met |\n");
        text.push_str("|---|---|---|---|---|---|---|---|---|\n");
        for row in &self.findings.rows {
            let _ = writeln!(text, "{}", row.line());
        }
        text.push_str(
            "\nMedians of the rounds; in parentheses how far the rounds lie apart, as a share of the median. \"Of nginx\" and \
             \"of HAProxy\" are Postern's median over theirs.\n",
        );
        if !self.findings.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.findings.notes {
            let _ = writeln!(text, "- {note}");
        }
        for failure in &self.failures {
            let _ = writeln!(text, "\n**Failed:** {failure}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(nginx: &[f64], haproxy: &[f64], postern: &[f64], target: Option<Target>) -> Row {
        let mut values: PerProxy<Vec<f64>> = PerProxy::default();
        values[Kind::Nginx] = nginx.to_vec();
        values[Kind::Haproxy] = haproxy.to_vec();
        values[Kind::Postern] = postern.to_vec();
        Row { scenario: "s".into(), quantity: "µs", values, target }
    }

    #[test]
    fn a_row_has_medians_spreads_ratios_and_its_target() {
        let row = row(&[20.0, 22.0, 18.0], &[40.0], &[10.0, 10.5, 9.5], Some(Target::Ratio(Kind::Haproxy, 0.3)));
        assert_eq!(row.line(), "| s | µs | 20.0 (20 %) | 40.0 | 10.0 (10 %) | 0.50 | 0.25 | ≤ 0.3 of HAProxy | yes |");
    }

    #[test]
    fn a_target_is_met_by_the_median_or_not() {
        assert_eq!(row(&[1.0], &[1.0], &[1.1], Some(Target::Ratio(Kind::Nginx, 1.0))).is_met(), Some(false));
        assert_eq!(row(&[], &[], &[1.04], Some(Target::Value(1.05))).is_met(), Some(true));
        assert_eq!(row(&[1.0], &[1.0], &[1.0], None).is_met(), None);
    }

    #[test]
    fn a_proxy_that_was_left_out_has_no_number() {
        let row = row(&[1.0], &[1.0], &[], Some(Target::Ratio(Kind::Nginx, 1.0)));
        assert_eq!(row.line(), "| s | µs | 1.00 | 1.00 | – | – | – | ≤ 1 of nginx | not measured |");
    }

    #[test]
    fn failures_stand_in_the_report() {
        let report = Report {
            circumstances: vec!["today".into()],
            findings: Findings { rows: Vec::new(), notes: vec!["a note".into()] },
            failures: vec!["stream: it broke".into()],
        };
        let text = report.markdown();
        assert!(
            text.contains("- today\n") && text.contains("- a note\n") && text.contains("**Failed:** stream: it broke")
        );
    }
}
