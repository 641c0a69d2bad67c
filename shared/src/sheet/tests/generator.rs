//! Files of random rows, through every encoding, delimiter, quoting, line end and form.

use super::{encodings::encoded, *};

/// Names with letters that several code pages have, and delimiters, quotes and lines.
const NAMES: [&str; 12] = [
    "Ana Soto",
    "María José Muñoz",
    "João Gonçalves",
    "Jürgen Müller",
    "François Lefèvre",
    "Łukasz Wałęsa",
    "Jiří Dvořák",
    "Soto; Ana",
    "Pérez, Luis",
    "Ana \"La\" Soto",
    "Eva\tPaz",
    "李 小龍",
];

/// A linear congruential generator: the same files in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("31 bits") % below
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

/// A file, and the number, line and name of each of its rows.
struct Made {
    text: String,
    rows: Vec<(u32, u64, String)>,
}

impl Made {
    /// The present line.
    fn line(&self) -> u64 {
        let breaks = self.text.replace("\r\n", "\n");
        1 + breaks.matches(['\n', '\r']).count() as u64
    }

    fn row(&mut self, name: &str) {
        let number = u32::try_from(self.rows.len()).expect("few") + 1;
        self.rows.push((number, self.line(), name.to_owned()));
    }
}

fn csv(draw: &mut Draw) -> Made {
    let delimiter = draw.of(&[",", ";", "\t"]);
    let end = |draw: &mut Draw| draw.of(&["\n", "\r\n", "\r"]);
    let usual = end(draw);
    let mixed = draw.chance(3);
    let mut made = Made { text: String::new(), rows: Vec::new() };
    let finish = |draw: &mut Draw, made: &mut Made| {
        let end = if mixed { end(draw) } else { usual };
        // A CR of its own before a line end would be one with it.
        made.text += if made.text.ends_with('\r') && end == "\n" { "\r\n" } else { end };
    };
    if draw.chance(4) {
        made.text = format!("sep={delimiter}");
        finish(draw, &mut made);
    }
    for _ in 0..draw.below(4) {
        made.text += draw.of(&["", "Acta final 2026", "  "]);
        finish(draw, &mut made);
    }
    made.text += &["email", "nombre", "nota", "#asiste"].join(delimiter);
    finish(draw, &mut made);
    for _ in 0..=draw.below(12) {
        if draw.chance(5) {
            made.text += &if draw.chance(2) {
                String::new()
            } else {
                ["", " ", "", "FALSE"].join(delimiter)
            };
            finish(draw, &mut made);
            continue;
        }
        let name = draw.of(&NAMES);
        made.row(name);
        let row: Vec<String> = [format!("p{}@x.cl", made.rows.len()).as_str(), name, "A", "x"]
            .iter()
            .map(|cell| {
                let quoted = cell.contains([',', ';', '\t', '"']) || draw.chance(4);
                let blanks = draw.of(&["", "", " "]);
                match quoted {
                    true => format!("{blanks}\"{}\"", cell.replace('"', "\"\"")),
                    false => format!("{blanks}{cell}"),
                }
            })
            .collect();
        let row = row.join(delimiter);
        // Some programs quote the whole line.
        made.text +=
            &if draw.chance(8) { format!("\"{}\"", row.replace('"', "\"\"")) } else { row };
        finish(draw, &mut made);
    }
    if draw.chance(2) {
        made.text.truncate(made.text.trim_end_matches(['\r', '\n']).len());
    }
    made
}

fn json(draw: &mut Draw) -> Made {
    let mut made = Made { text: String::new(), rows: Vec::new() };
    let end = draw.of(&["\n", "\r\n", "\r"]);
    let form = draw.below(4);
    made.text += match form {
        0 => "",
        1 => "[",
        2 => "{\"send_email\": true, \"recipients\" : [",
        _ => end,
    };
    let pretty = draw.chance(2) || form == 3;
    let people = draw.below(12) + 1;
    for n in 1..=people {
        let name = draw.of(&NAMES);
        if form == 1 || form == 2 {
            made.text += draw.of(&["", " ", end]);
        }
        made.row(name);
        let person = serde_json::json!({ "email": format!("p{n}@x.cl"), "recipient_name": name, "result_value": "A" });
        let text = match pretty && form != 0 {
            true => serde_json::to_string_pretty(&person).expect("JSON").replace('\n', end),
            false => person.to_string(),
        };
        made.text += &text;
        made.text += match form {
            0 | 3 => end,
            _ if n < people => ",",
            _ => "",
        };
    }
    made.text += match form {
        1 => "]",
        2 => " ] , \"template_id\": null }",
        _ => "",
    };
    made
}

/// Without loss: what is read is what was written, in its line, from any row on; a file in a
/// code page is read so or refused.
#[test]
fn random_files_are_read_to_their_last_row_or_refused() {
    let mut draw = Draw(20_261_128);
    let (mut read, mut refused) = (0, 0);
    for n in 0..3_000 {
        let made = if n % 3 == 0 { json(&mut draw) } else { csv(&mut draw) };
        let encoding = draw.of(&Encoding::ALL);
        let Some(mut file) = encoded(&made.text, encoding) else { continue };
        match encoding {
            Encoding::Utf8 if draw.chance(2) => file.splice(..0, *b"\xef\xbb\xbf").for_each(drop),
            Encoding::Utf16Le if draw.chance(2) => file.splice(..0, *b"\xff\xfe").for_each(drop),
            Encoding::Utf16Be if draw.chance(2) => file.splice(..0, *b"\xfe\xff").for_each(drop),
            _ => {}
        }
        let named = draw.chance(3).then_some(encoding);
        let shown = || format!("file {n} in {encoding:?}: {:?}", made.text);
        let found = match survey_as(&file, named) {
            Ok(found) => found,
            Err(fault) if fault.code == "no_rows" => {
                assert_eq!(made.rows.len(), 0, "{}", shown());
                continue;
            }
            Err(fault) => {
                assert_eq!(fault.code, "unknown_encoding", "{}: {fault:?}", shown());
                refused += 1;
                continue;
            }
        };
        let rows = rows_of(&file, &found);
        assert_eq!(rows.len(), made.rows.len(), "{}", shown());
        for (row, (number, line, name)) in rows.iter().zip(&made.rows) {
            assert_eq!((row.row, row.line), (*number, *line), "{}", shown());
            match &row.entry.recipient {
                Ok(recipient) => {
                    assert_eq!(recipient.email.as_str(), format!("p{number}@x.cl"), "{}", shown());
                    let read = recipient.recipient_name.as_deref();
                    // Of a cell, one line is read.
                    let meant = name.replace('\t', " ");
                    assert_eq!(read, Some(meant.as_str()), "{}", shown());
                }
                Err(faults) => {
                    let doubtful = matches!(faults.as_slice(), [Fault::DoubtfulText(_)]);
                    let tab = name.contains('\t');
                    assert!((doubtful && found.format.guessed) || tab, "{faults:?} {}", shown());
                }
            }
        }
        read += 1;
    }
    assert!(read > 1_000 && refused < read / 10, "{read} read, {refused} refused");
}
