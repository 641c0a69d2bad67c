//! The known name that somebody meant who wrote an unknown one.

/// Longest name that is compared, in characters: the work grows with the square of it.
const MAX_COMPARED: usize = 60;

/// Returns the known name that is nearest to a written one: the same apart from case and
/// separators (`dryRun`, `Dry-Run`), or with at most a third of its letters changed. `None` if
/// none is near; the first of two that are equally near.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.chars().nth(MAX_COMPARED).is_some() {
        return None;
    }
    let wanted = letters(written);
    let length = wanted.chars().count();
    // Of one or two letters, a third is none.
    let allowed = length / 3;
    if length == 0 {
        return None;
    }
    known
        .into_iter()
        .filter(|name| name.chars().nth(MAX_COMPARED).is_none())
        .map(|name| (strsim::osa_distance(&wanted, &letters(name)), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Letters and digits alone, in lower case.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_found_and_what_is_far_is_not() {
        let known = ["recipient_name", "result_value", "role", "term"];
        for (written, near) in [
            ("recipientName", Some("recipient_name")),
            ("RECIPIENT NAME", Some("recipient_name")),
            ("recipent_name", Some("recipient_name")),
            ("reslut_value", Some("result_value")),
            ("rol", Some("role")),
            ("Term", Some("term")),
            ("terms", Some("term")),
            ("x", None),
            ("", None),
            ("___", None),
            ("nota", None),
            ("zzzzzzzzzz", None),
        ] {
            assert_eq!(nearest(written, known), near, "{written}");
        }
        assert_eq!(nearest(&"recipient_name".repeat(10_000), known), None);
        assert_eq!(nearest("x", ["X"]), Some("X"), "the same beside its case");
        assert_eq!(nearest("term", []), None);
    }
}
