//! Credits: an exact decimal number, never a floating-point one.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::lang::{Lang, StaffLang};

/// Credits in thousandths: 0 to 1,000,000 with at most 3 decimals, kept exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Credits(u64);

impl Credits {
    /// None at all.
    pub const ZERO: Self = Self(0);
    const MAX_THOUSANDTHS: u64 = 1_000_000_000;

    /// Reads a JSON number without going through floating point.
    pub fn parse(number: &str) -> Option<Self> {
        let (negative, number) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number),
        };
        let (mantissa, exponent) = match number.split_once(['e', 'E']) {
            // An exponent too long for the type is outside the range, unless the number is
            // zero; the sign decides on which side.
            Some((m, e)) => (
                m,
                e.parse::<i64>().unwrap_or(if e.starts_with('-') {
                    i64::from(i32::MIN)
                } else {
                    i64::from(i32::MAX)
                }),
            ),
            None => (number, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        let kept = significant.trim_end_matches('0');
        if kept.is_empty() {
            return Some(Self(0));
        }
        if negative || kept.len() > 10 {
            return None;
        }
        // value = kept × 10^power, in thousandths
        let dropped = i64::try_from(significant.len() - kept.len()).ok()?;
        let power = exponent
            .checked_sub(i64::try_from(fraction.len()).ok()?)?
            .checked_add(dropped)?
            .checked_add(3)?;
        let factor = 10_u64.checked_pow(u32::try_from(power).ok()?)?;
        let thousandths = kept.parse::<u64>().ok()?.checked_mul(factor)?;
        (thousandths <= Self::MAX_THOUSANDTHS).then_some(Self(thousandths))
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1000, self.0 % 1000);
        if rest == 0 {
            write!(f, "{whole}")
        } else {
            write!(f, "{whole}.{}", format!("{rest:03}").trim_end_matches('0'))
        }
    }
}

impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(1000) {
            serializer.serialize_u64(self.0 / 1000)
        } else {
            // At most 10 significant digits, so a double holds the value exactly enough to
            // print back the same digits.
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Credits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        Self::parse(&number.to_string()).ok_or_else(|| serde::de::Error::custom("not credits"))
    }
}

/// The text of a number that is none, or out of range.
pub(super) fn invalid_number(field: &str, lang: Lang) -> String {
    match lang.staff() {
        StaffLang::Es => format!(
            "El campo {field} debe ser un número entre 0 y 1000000 con 3 decimales como máximo"
        ),
        StaffLang::En => {
            format!("The field {field} must be a number from 0 to 1000000 with at most 3 decimals")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_are_read_exactly() {
        let cases = [
            ("6", "6"),
            ("6.0", "6"),
            ("0", "0"),
            ("-0", "0"),
            ("0.000", "0"),
            ("7.25", "7.25"),
            ("0.001", "0.001"),
            ("1e3", "1000"),
            ("1.5E1", "15"),
            ("1000000", "1000000"),
            ("0e999999999999999999999", "0"),
            ("100e-2", "1"),
            ("0.10", "0.1"),
        ];
        for (text, shown) in cases {
            assert_eq!(
                Credits::parse(text).map(|c| c.to_string()).as_deref(),
                Some(shown),
                "{text}"
            );
        }
        for bad in [
            "-1",
            "1e400",
            "1e9223372036854775807",
            "10e9223372036854775807",
            "1000000.001",
            "1000001",
            "0.0001",
            "1e-7",
            "6.00001",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "12345678901",
        ] {
            assert_eq!(Credits::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn credits_survive_being_written_and_read() {
        for thousandths in [0, 1, 999, 1000, 7250, 999_999_999, 1_000_000_000] {
            let json = serde_json::to_string(&Credits(thousandths)).expect("written");
            let read: Credits = serde_json::from_str(&json).expect("read");
            assert_eq!(read, Credits(thousandths), "{json}");
        }
    }
}
