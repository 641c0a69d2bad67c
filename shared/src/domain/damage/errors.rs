//! What spreadsheets write for a formula that failed, in the languages in which they run.

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
