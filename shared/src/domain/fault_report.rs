//! The faults of a recipient as an answer reports them, alone or among ten thousand.

use serde::Serialize;

use crate::domain::{fault::Fault, lang::Lang, text::shortened};

/// Most faults that an answer or a row lists of one recipient.
pub const MAX_FAULTS: usize = 20;

/// The first [`MAX_FAULTS`] faults, and as [`Fault::Rest`] the number of the others.
pub fn listed(mut faults: Vec<Fault>) -> Vec<Fault> {
    let mut rest = 0;
    faults.retain(|fault| match fault {
        Fault::Rest(more) => {
            rest += more;
            false
        }
        _ => true,
    });
    rest += faults.len().saturating_sub(MAX_FAULTS);
    faults.truncate(MAX_FAULTS);
    faults.extend((rest > 0).then_some(Fault::Rest(rest)));
    faults
}

/// The faults of a recipient in an answer: text and code of each, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultReport {
    errors: Vec<String>,
    error_codes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors_omitted: Option<usize>,
}

impl FaultReport {
    /// Reports faults in a language: 20 of them at most.
    pub fn of(faults: Vec<Fault>, lang: Lang) -> Self {
        let mut report = Self { errors: Vec::new(), error_codes: Vec::new(), errors_omitted: None };
        for fault in listed(faults) {
            match fault {
                Fault::Rest(more) => report.errors_omitted = Some(more),
                fault => {
                    report.errors.push(fault.text(lang));
                    report.error_codes.push(fault.code());
                }
            }
        }
        report
    }

    /// Keeps so many faults, and so many characters of each text; the other faults are counted.
    pub fn shorten(&mut self, faults: usize, characters: usize) {
        let more = self.errors.len().saturating_sub(faults);
        self.errors.truncate(faults);
        self.error_codes.truncate(faults);
        if more > 0 {
            self.errors_omitted = Some(self.errors_omitted.unwrap_or_default() + more);
        }
        for text in &mut self.errors {
            *text = shortened(text, characters);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn twenty_faults_are_listed_and_the_others_counted() {
        let many = |n: usize| (0..n).map(|n| Fault::UnknownField(format!("m{n}"))).collect();
        let report =
            |faults| serde_json::to_value(FaultReport::of(faults, Lang::En)).expect("JSON");
        assert_eq!(report(many(20)).get("errors_omitted"), None);
        let whole = report(many(33));
        assert_eq!(whole["errors"].as_array().map(Vec::len), Some(20));
        assert_eq!(
            (&whole["errors"][19], &whole["errors_omitted"]),
            (&json!("Unknown field: m19"), &json!(13))
        );
        let mut faults: Vec<Fault> = many(15);
        faults.push(Fault::Rest(2));
        faults.extend(many(7));
        assert_eq!(report(faults)["errors_omitted"], 4);

        let mut short = FaultReport::of(many(33), Lang::En);
        short.shorten(2, 9);
        short.shorten(1, 9);
        assert_eq!(
            serde_json::to_value(&short).expect("JSON"),
            json!({ "errors": ["Unknown f…"], "error_codes": ["unknown_field"], "errors_omitted": 32 })
        );
    }
}
