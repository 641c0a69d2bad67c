//! The guard of the cells that we write: a `'` before each place where a spreadsheet would begin
//! a formula. That is the start of the cell, and also what follows a separator or a line end in
//! it, since a program that takes another separator, or ignores quotes, begins a cell there.
//! Blanks, invisible characters and quotes before a formula do not stop a spreadsheet.

use std::borrow::Cow;

use crate::domain::unseen::steers;

/// Characters with which a spreadsheet begins a formula, in either width.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
/// Characters that some programs leave out at the start of a cell.
const DROPPED: [char; 2] = ['\t', '\r'];
/// Characters after which a cell begins, whatever the separator of the file.
const SEPARATORS: [char; 5] = [',', ';', '\t', '\r', '\n'];

/// A cell that no spreadsheet runs, under any separator.
pub fn guarded(text: &str) -> Cow<'_, str> {
    change(text, Change::Put)
}

/// A cell of a results file of ours, as it was before [`guarded`].
pub fn unguarded(text: &str) -> Cow<'_, str> {
    change(text, Change::Take)
}

/// A cell of any other file, without the `'` by which a spreadsheet keeps a formula as text.
pub fn unmarked(text: &str) -> &str {
    let formula = |rest: &&str| {
        let text = rest.trim_start_matches('\'');
        text.starts_with(FORMULA) || text.starts_with(DROPPED)
    };
    text.strip_prefix('\'').filter(formula).unwrap_or(text)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Put,
    Take,
}

/// Puts or takes one `'` at each start of a formula. A person's own `'` there counts as part of
/// the formula, so that it survives both ways.
fn change(text: &str, change: Change) -> Cow<'_, str> {
    let mut changed = String::new();
    let mut copied = 0;
    // Whether a cell begins here, and where its own `'` begin.
    let (mut begins, mut marks) = (true, None);
    for (at, c) in text.char_indices() {
        if begins && c == '\'' {
            marks.get_or_insert(at);
            continue;
        }
        let start = marks.unwrap_or(at);
        let runs = FORMULA.contains(&c) || (start == 0 && DROPPED.contains(&c));
        if begins && runs && (change == Change::Put || marks.is_some()) {
            changed.push_str(text.get(copied..start).unwrap_or_default());
            copied = start;
            match change {
                Change::Put => changed.push('\''),
                Change::Take => copied += 1,
            }
        }
        let blank = c.is_whitespace() || steers(c) || c == '"';
        begins = SEPARATORS.contains(&c) || (begins && marks.is_none() && blank);
        marks = None;
    }
    if copied == 0 && changed.is_empty() {
        return Cow::Borrowed(text);
    }
    changed.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a program that splits at this separator, and knows no quotes, would run a part.
    fn runs(cell: &str, separator: char) -> bool {
        cell.split([separator, '\n', '\r']).any(|part| {
            let blank = |c: char| c.is_whitespace() || steers(c) || c == '"';
            part.trim_start_matches(blank).starts_with(FORMULA)
        })
    }

    #[test]
    fn no_reading_of_a_guarded_cell_runs_and_the_guard_leaves_no_trace() {
        let cells = [
            "=1+1",
            "+56 9",
            "-x",
            "@a",
            "'=x",
            "''=x",
            "\tx",
            "'\tx",
            "\t=x",
            "'quoted",
            "plain",
            "",
            "'",
            "\n=1+1",
            "\r\n=1",
            "Ana\n=1+1",
            "Ana,=1+1",
            "Ana;=1+1",
            "Ana\t=1+1",
            "Ana, =1",
            "Ana,\u{a0}=1",
            "  =1",
            "\u{a0}=1",
            "\u{feff}=1",
            "\u{200b}@x",
            "\u{3000}＝1",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            "Ana,'=1",
            "Ana,''=1",
            "Ana,' =1",
            "Ana;\"=1+1\"",
            "\"=1\"",
            "a,,;=1",
            "=,=,=",
            "D'Ávila, 'x'",
            "Los sufijos '-ar', '-er'",
            "1-2",
            "a=b",
            "'', '-",
            "\u{b}=1",
            "\0=1",
            "x\n\n- y\n- z",
        ];
        for text in cells {
            let cell = guarded(text);
            for separator in [',', ';', '\t'] {
                assert!(!runs(&cell, separator), "{text:?} becomes {cell:?}");
            }
            assert!(!cell.starts_with(DROPPED), "{text:?} becomes {cell:?}");
            assert_eq!(unguarded(&cell), text);
        }
        assert!(matches!(guarded("Ana María; ñ, 'x'"), Cow::Borrowed(_)));
    }

    #[test]
    fn every_short_cell_of_the_characters_that_matter_comes_back() {
        let signs = ['=', '-', '＝', '\'', ',', ';', '\t', '\n', ' ', '"', '\u{a0}', 'a'];
        let mut cells = vec![String::new()];
        for _ in 0..5 {
            let longer = cells.iter().flat_map(|cell| signs.map(|sign| format!("{cell}{sign}")));
            cells = longer.chain([String::new()]).collect();
            for cell in &cells {
                assert_eq!(unguarded(&guarded(cell)), *cell);
            }
        }
    }

    #[test]
    fn in_another_file_only_the_mark_of_a_formula_is_taken() {
        for (text, meant) in [
            ("'=x", "=x"),
            ("'+56", "+56"),
            ("'＝x", "＝x"),
            ("''=x", "'=x"),
            ("'x", "'x"),
            ("Los sufijos, '-ar'", "Los sufijos, '-ar'"),
        ] {
            assert_eq!(unmarked(text), meant);
        }
    }
}
