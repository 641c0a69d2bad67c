//! Names of the files of an archive of certificates, that every system can unpack: unique, in the order of the rows.

use unicode_normalization::UnicodeNormalization;

use crate::domain::{ids::CredentialId, unseen};

/// Bytes of a person's name in the name of a file, whose other parts take some 55: Windows counts 260 characters with
/// the folder, Linux 255 bytes without.
const MOST_BYTES: usize = 120;
/// Words of Persian or Hindi and emoji need them.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];
/// Digits of a row's number, at least.
const DIGITS: usize = 4;

/// The name of the certificate of a row among so many: `0007 - Ana Rojas - 11f8b663-….pdf`.
pub fn file_name(row: u32, rows: u32, person: Option<&str>, id: CredentialId) -> String {
    let digits = rows.to_string().len().max(DIGITS);
    match person.map(safe).filter(|name| !name.is_empty()) {
        Some(name) => format!("{row:0digits$} - {name} - {id}.pdf"),
        None => format!("{row:0digits$} - {id}.pdf"),
    }
}

/// A name without what a file's name may not have on some system, or would hide.
fn safe(name: &str) -> String {
    let letters = name.nfc().map(|c| if is_refused(c) { ' ' } else { c });
    let letters: String = letters.filter(|c| JOINERS.contains(c) || !unseen::steers(*c)).collect();
    let words: Vec<&str> = letters.split_whitespace().collect();
    let words = words.join(" ");
    let end =
        words.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|at| *at <= MOST_BYTES);
    let kept = words.get(..end.last().unwrap_or(0)).unwrap_or_default();
    // A joiner joins nothing any more.
    kept.trim_matches(|c: char| c.is_whitespace() || c == '.' || c == '\u{200d}').to_owned()
}

/// Whether a character cannot stand in a file's name: of Windows, of a path, or a control character.
fn is_refused(c: char) -> bool {
    c.is_control() || "<>:\"/\\|?*".contains(c) || unseen::is_forbidden(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(person: &str) -> String {
        let id = CredentialId::parse("11f8b663-a700-8d5c-90c7-1c224aa7b59c").expect("an id");
        let name = file_name(7, 10_000, Some(person), id);
        assert!(name.len() <= 200 && name.ends_with("11f8b663-a700-8d5c-90c7-1c224aa7b59c.pdf"));
        name.strip_prefix("00007 - ")
            .expect("the row")
            .split(" - 11f8")
            .next()
            .expect("a name")
            .to_owned()
    }

    #[test]
    fn names_of_every_script_stay_and_nothing_of_a_path_does() {
        for same in [
            "Ana Rojas",
            "Ñandú Iñíguez-O’Higgins",
            "王小明",
            "محمد علي",
            "नेहा शर्मा",
            "Ana 👩‍🎓",
            "D'Arcy, J.",
        ] {
            assert_eq!(name(same), same.trim_end_matches('.'), "{same}");
        }
        for (sent, named) in [
            ("../../etc/passwd", "etc passwd"),
            ("C:\\Ana", "C Ana"),
            ("a/b|c?d*e<f>g\"h", "a b c d e f g h"),
            ("Ana\u{202e}fdp.exe", "Ana fdp.exe"),
            ("  Ana\t\nRojas.. ", "Ana Rojas"),
            ("Ana\u{0}Rojas", "Ana Rojas"),
            ("CON", "CON"),
            ("e\u{301}", "é"),
        ] {
            assert_eq!(name(sent), named, "{sent:?}");
        }
        let long = name(&"👩‍🎓".repeat(80));
        assert!(long.len() <= 120 && !long.ends_with('\u{200d}'), "{long}");
    }

    #[test]
    fn a_person_without_a_name_has_the_row_and_the_id() {
        let id = CredentialId::parse("11f8b663-a700-8d5c-90c7-1c224aa7b59c").expect("an id");
        for nobody in [None, Some(" . "), Some("\u{202e}")] {
            assert_eq!(file_name(3, 9, nobody, id), format!("0003 - {id}.pdf"));
        }
    }
}
