//! What spreadsheets write for a formula that failed, in the languages in which they run; and formulas
//! that were exported in place of their values.

use super::Kind;

/// The errors between `#` and their sign, without the inverted one of Spanish.
const SIGNED: [&str; 35] = [
    "REF",
    "VALUE",
    "VALOR",
    "VALEUR",
    "WERT",
    "NAME",
    "NOMBRE",
    "NOM",
    "NOME",
    "DIV/0",
    "NUM",
    "NÚM",
    "ZAHL",
    "BEZUG",
    "NULL",
    "NULO",
    "NUL",
    "SPILL",
    "DESBORDAMIENTO",
    "DESPEJAR",
    "DESPEJO",
    "ÜBERLAUF",
    "CALC",
    "CÁLC",
    "FIELD",
    "CAMPO",
    "BLOCKED",
    "BLOQUEADO",
    "CONNECT",
    "CONECTAR",
    "UNKNOWN",
    "DESCONOCIDO",
    "BUSY",
    "PYTHON",
    "ERROR",
];
/// Those without a sign.
const UNSIGNED: [&str; 6] = ["N/A", "N/D", "NV", "GETTING_DATA", "OBTENIENDO_DATOS", "CARGANDO"];

/// Whether an error stands for the text, or in a name or words for one of them.
pub(super) fn stands_in(text: &str, kind: Kind) -> bool {
    if !text.contains('#') && !text.starts_with("Err:") {
        return false;
    }
    let whole = text.trim();
    let narrow = whole.len() >= 3 && whole.bytes().all(|b| b == b'#');
    let words = matches!(kind, Kind::Name | Kind::Words);
    narrow || is_error(whole) || (words && whole.split_whitespace().any(is_error))
}

/// Whether a text is a formula: `=HYPERLINK("…";"Ana")`, `=Hoja1!A2`, `@SUM(A1)`. In a name or words any
/// text is that begins as one.
pub(super) fn is_formula(text: &str, kind: Kind) -> bool {
    let text = text.trim();
    let mut chars = text.chars();
    let rest = match chars.next() {
        Some('=' | '＝' | '+' | '-' | '@') => chars.as_str(),
        _ => return false,
    };
    let begins = rest.starts_with(|c: char| c.is_alphanumeric() || "('\"+-@#[$".contains(c));
    match kind {
        Kind::Name | Kind::Words if text.starts_with(['=', '＝']) => begins,
        _ => is_call(rest) || (text.starts_with('=') && is_reference(rest)),
    }
}

/// `SI.ERROR(…)`: a name in capitals before parentheses.
fn is_call(text: &str) -> bool {
    let Some((name, _)) = text.split_once('(').filter(|_| text.ends_with(')')) else {
        return false;
    };
    let in_name = |c: char| c.is_uppercase() || c.is_ascii_digit() || matches!(c, '.' | '_');
    name.starts_with(char::is_uppercase) && name.chars().all(in_name)
}

/// `A2`, `$B$14`, `Hoja1!A2`, `'Hoja 1'!A2`.
fn is_reference(text: &str) -> bool {
    let cell = text.rsplit_once('!').map_or(text, |(_, cell)| cell);
    let cell = cell.strip_prefix('$').unwrap_or(cell);
    let letters = cell.bytes().take_while(u8::is_ascii_uppercase).count();
    let row = cell.get(letters..).unwrap_or_default();
    let row = row.strip_prefix('$').unwrap_or(row);
    (1..=3).contains(&letters)
        && (1..=7).contains(&row.len())
        && row.bytes().all(|b| b.is_ascii_digit())
}

fn is_error(word: &str) -> bool {
    if let Some(number) = word.strip_prefix("Err:") {
        return number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit());
    }
    let Some(name) = word.strip_prefix('#') else { return false };
    let name = name.to_uppercase();
    let signed = name.trim_start_matches(['¡', '¿']).strip_suffix(['!', '?']);
    UNSIGNED.contains(&name.as_str()) || signed.is_some_and(|name| SIGNED.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_told_from_texts_that_begin_with_their_sign() {
        for text in [
            "=HYPERLINK(\"mailto:ana@x.cl\";\"Ana\")",
            "=SI.ERROR(BUSCARV(A2;B:C;2;0);\"\")",
            "=A2",
            "=Hoja1!$B$14",
            "='Hoja 1'!A2",
            "@SUM(A1:A3)",
            "+SUMA(A1;2)",
            "-ABS(B2)",
        ] {
            for kind in [Kind::Name, Kind::Words, Kind::Code, Kind::Prose] {
                assert!(is_formula(text, kind), "{text}");
            }
        }
        for text in ["=A2&\" \"&B2", "=\"Ana\"&B2", "=nombre", "=+A2", "＝A2"] {
            assert!(is_formula(text, Kind::Name) && !is_formula(text, Kind::Code), "{text}");
        }
        for text in [
            "=",
            "=)",
            "= igual",
            "+56 9 1234",
            "-1",
            "@ana",
            "A=B",
            "Ana (+)",
            "- Ana",
            "-Ana (x)",
            "@Ana (x)",
            "",
        ] {
            for kind in [Kind::Name, Kind::Words, Kind::Code, Kind::Prose] {
                assert!(!is_formula(text, kind), "{text}");
            }
        }
    }

    #[test]
    fn errors_of_spreadsheets_are_known_in_their_languages() {
        for text in [
            "#N/A",
            "#N/D",
            "#n/d",
            "#REF!",
            "#¡REF!",
            "#VALUE!",
            "#¡VALOR!",
            "#VALOR!",
            "#VALEUR!",
            "#WERT!",
            "#NAME?",
            "#¿NOMBRE?",
            "#NOME?",
            "#NOM?",
            "#DIV/0!",
            "#¡DIV/0!",
            "#NUM!",
            "#¡NUM!",
            "#NÚM!",
            "#NULL!",
            "#¡NULO!",
            "#SPILL!",
            "#¡DESBORDAMIENTO!",
            "#CALC!",
            "#ERROR!",
            "#NV",
            "#BEZUG!",
            "Err:502",
            "########",
            "#GETTING_DATA",
        ] {
            for kind in [Kind::Name, Kind::Words, Kind::Code, Kind::Prose] {
                assert!(stands_in(text, kind), "{text}");
            }
        }
        assert!(stands_in("Ana #N/D", Kind::Name) && !stands_in("Ana #N/D", Kind::Prose));
        for text in [
            "N/A", "N/D", "#1", "C#", "#Lider!", "# 12", "Err: 502", "##", "#REF", "Ref!", "NaN",
            "Null", "F#", "#2026-1", "Grupo #3", "Nombre", "#wow!",
        ] {
            assert!(!stands_in(text, Kind::Words), "{text}");
        }
    }
}
