//! What came of it, as a table.

use std::fmt;

use super::route::Route;

/// What every route answered to every credential.
#[derive(Debug)]
#[must_use = "look at its faults"]
pub struct Report {
    routes: Vec<String>,
    public: Vec<String>,
    rows: Vec<(String, Vec<Option<Entry>>)>,
    faults: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    status: u16,
    faulty: bool,
    /// Whether a withdrawn credential was called with that is believed until it ends.
    believed: bool,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self {
            Self { faulty: true, .. } => "!",
            Self { believed: true, .. } => "~",
            _ => "",
        };
        f.pad(&format!("{}{mark}", self.status))
    }
}

impl Report {
    pub(super) fn of(routes: &[Route]) -> Self {
        let public = routes.iter().filter(|route| route.is_open());
        Self {
            routes: routes.iter().map(|route| route.name.clone()).collect(),
            public: public.map(|route| route.name.clone()).collect(),
            rows: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Everything that is wrong, a sentence each.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The routes that anybody may call.
    pub fn public(&self) -> &[String] {
        &self.public
    }

    /// How many credentials were tried.
    pub fn credentials(&self) -> usize {
        self.rows.len()
    }

    /// Panics with the table if anything is wrong.
    ///
    /// # Panics
    /// If there are [faults](Report::faults).
    #[track_caller]
    pub fn assert_sound(&self) {
        assert!(self.faults.is_empty(), "{self}");
    }

    pub(super) fn fault(&mut self, sentence: String) {
        self.faults.push(sentence);
    }

    pub(super) fn row(&mut self, credential: &str) -> Row<'_> {
        self.rows
            .push((credential.to_owned(), vec![None; self.routes.len()]));
        Row {
            report: self,
            believed: false,
        }
    }

    /// The row of a credential that was withdrawn and is believed until it ends.
    pub(super) fn believed(&mut self, credential: &str) -> Row<'_> {
        Row {
            believed: true,
            ..self.row(credential)
        }
    }
}

/// The row of one credential.
pub(super) struct Row<'r> {
    report: &'r mut Report,
    believed: bool,
}

impl Row<'_> {
    pub(super) fn cell(&mut self, route: usize) -> Cell<'_> {
        Cell {
            report: self.report,
            believed: self.believed,
            route,
        }
    }
}

/// What one route answers to one credential.
pub(super) struct Cell<'r> {
    report: &'r mut Report,
    believed: bool,
    route: usize,
}

impl Cell<'_> {
    /// Notes an answer, and what is wrong with it. Of several answers the last faulty one is shown.
    pub(super) fn note(&mut self, request: &str, status: u16, faults: &[String]) {
        let Some((credential, cells)) = self.report.rows.last_mut() else {
            return;
        };
        for fault in faults {
            self.report
                .faults
                .push(format!("{request} with {credential} answers {status}: {fault}"));
        }
        let entry = Entry {
            status,
            faulty: !faults.is_empty(),
            believed: self.believed,
        };
        if let Some(cell) = cells.get_mut(self.route)
            && (entry.faulty || !cell.is_some_and(|shown| shown.faulty))
        {
            *cell = Some(entry);
        }
    }
}

/// A column for every route, a row for every credential; `!` marks what is wrong, `~` what came of a credential that was
/// withdrawn and is believed until it ends, `·` what doesn't apply.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, route) in self.routes.iter().enumerate() {
            let public = if self.public.contains(route) {
                "  (public)"
            } else {
                ""
            };
            writeln!(f, "{:>3}  {route}{public}", index + 1)?;
        }
        let width = self.rows.iter().map(|(name, _)| name.chars().count()).max();
        let width = width.unwrap_or(0);
        write!(f, "\n{:width$}", "")?;
        for index in 0..self.routes.len() {
            write!(f, " {:>4}", index + 1)?;
        }
        for (name, cells) in &self.rows {
            write!(f, "\n{name:width$}")?;
            for cell in cells {
                match cell {
                    None => write!(f, " {:>4}", "·")?,
                    Some(entry) => write!(f, " {entry:>4}")?,
                }
            }
        }
        writeln!(f, "\n")?;
        for fault in &self.faults {
            writeln!(f, "! {fault}")?;
        }
        Ok(())
    }
}
