use std::fmt;

/// A table in Markdown. All columns after the first are set to the right where they hold numbers.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    head: Vec<String>,
    lines: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<'a>(head: impl IntoIterator<Item = &'a str>) -> Self {
        Self { head: head.into_iter().map(str::to_owned).collect(), lines: Vec::new() }
    }

    pub(crate) fn line<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        self.lines.push(cells.into_iter().map(str::to_owned).collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn is_numeric(&self, column: usize) -> bool {
        let cells = self.lines.iter().filter_map(|line| line.get(column)).filter(|cell| !cell.is_empty());
        let mut begins =
            cells.map(|cell| cell.trim_start_matches('*').starts_with(|it: char| it.is_ascii_digit()));
        column > 0 && begins.next().is_some_and(|first| first && begins.all(|each| each))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = |column| if self.is_numeric(column) { "---:" } else { "---" };
        writeln!(f, "| {} |", self.head.join(" | "))?;
        writeln!(f, "|{}|", (0..self.head.len()).map(rule).collect::<Vec<_>>().join("|"))?;
        for line in &self.lines {
            writeln!(f, "| {} |", line.join(" | "))?;
        }
        Ok(())
    }
}

/// Writes a number in thousands with about three digits.
pub(crate) fn thousands(number: f64) -> String {
    let thousands = number / 1_000.0;
    if thousands < 10.0 { format!("{thousands:.1}") } else { format!("{thousands:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_set_to_the_right() {
        let mut table = Table::new(["", "is", "a"]);
        table.line(["1", "2", "x"]);
        table.line(["3", "", "4"]);
        assert_eq!(table.to_string(), "|  | is | a |\n|---|---:|---|\n| 1 | 2 | x |\n| 3 |  | 4 |\n");
    }

    #[test]
    fn thousands_have_three_digits_or_fewer() {
        assert_eq!([950.0, 39_500.0, 1_327_000.0].map(thousands), ["0.9", "40", "1327"]);
    }
}
