//! The known name that somebody meant who wrote an unknown one.

/// Longest name that is compared, in characters: the work grows with the square of it.
const MAX_COMPARED: usize = 60;

/// Fewest letters by which one name within another counts as near.
const MIN_WITHIN: usize = 4;

/// Returns the known name that is nearest to a written one: the same apart from case and
/// separators (`dryRun`, `Dry-Run`), or with at most a third of its letters changed; else the only
/// one that has it within, or is within it (`name` for `recipient_name`). `None` if none is near;
/// the first of two with equally many letters changed.
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
    let known: Vec<(String, &str)> = known
        .into_iter()
        .filter(|name| name.chars().nth(MAX_COMPARED).is_none())
        .map(|name| (letters(name), name))
        .collect();
    let changed = known
        .iter()
        .map(|(letters, name)| (strsim::osa_distance(&wanted, letters), *name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, name)) = changed {
        return Some(name);
    }
    let mut within = known.iter().filter(|(letters, _)| {
        (length >= MIN_WITHIN && letters.contains(&wanted))
            || (letters.chars().count() >= MIN_WITHIN && wanted.contains(letters.as_str()))
    });
    within.next().filter(|_| within.next().is_none()).map(|(_, name)| *name)
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
        let known = ["recipient_name", "result_value", "role", "term", "start_date", "end_date"];
        for (written, near) in [
            ("recipientName", Some("recipient_name")),
            ("RECIPIENT NAME", Some("recipient_name")),
            ("recipent_name", Some("recipient_name")),
            ("reslut_value", Some("result_value")),
            ("rol", Some("role")),
            ("Term", Some("term")),
            ("terms", Some("term")),
            ("name", Some("recipient_name")),
            ("Nombre (recipient_name)", Some("recipient_name")),
            ("date", None),
            ("value", Some("result_value")),
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
