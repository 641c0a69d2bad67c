//! Conditions of the parts of a format.

/// A condition of a part: `[>=4]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Condition {
    less: bool,
    equal: bool,
    more: bool,
    than: f64,
}

impl Condition {
    /// Reads what stands in its brackets; none if it is no condition.
    pub(super) fn of(text: &str) -> Option<Self> {
        let number = text.trim_start_matches(['<', '>', '=']);
        let sign = text.get(..text.len() - number.len())?;
        let (less, equal, more) = match sign {
            "<" => (true, false, false),
            "<=" => (true, true, false),
            "=" => (false, true, false),
            ">=" => (false, true, true),
            ">" => (false, false, true),
            "<>" => (true, false, true),
            _ => return None,
        };
        Some(Self { less, equal, more, than: number.trim().parse().ok()? })
    }

    /// Whether a number meets it.
    pub(super) fn holds(self, number: f64) -> bool {
        match number.total_cmp(&self.than) {
            std::cmp::Ordering::Less => self.less,
            std::cmp::Ordering::Equal => self.equal,
            std::cmp::Ordering::Greater => self.more,
        }
    }
}
