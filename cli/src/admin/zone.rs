//! The time zone of a new organization: the one given, that of an organization that exists, what the
//! person at the terminal says, or this machine's, in this order.

use std::io;

use jiff::tz::TimeZone;
use unicreda::domain::organization::Organization;

use crate::printer::{ask, can_ask, print_error};

/// Chooses the zone, and says which one when nobody named it.
///
/// # Errors
/// When the terminal cannot be read or written.
pub(super) fn chosen(given: Option<String>, stored: Option<&Organization>) -> io::Result<String> {
    if let Some(zone) = given.or_else(|| stored.map(|stored| stored.settings.time_zone.clone())) {
        return Ok(zone);
    }
    let machine = TimeZone::system().iana_name().unwrap_or("UTC").to_owned();
    while can_ask() {
        let asked = ask(&format!("Time zone of the dates that people read [{machine}]:"))?;
        // The person has left: nothing is created.
        let zone = asked.ok_or(io::ErrorKind::UnexpectedEof)?;
        if zone.is_empty() {
            return Ok(machine);
        }
        if TimeZone::get(&zone).is_ok() {
            return Ok(zone);
        }
        print_error(&format!("{zone} is no IANA time zone; one is America/Santiago"));
    }
    print_error(&format!(
        "Dates are printed in the time zone {machine}, this machine's. Another: --time-zone America/Santiago"
    ));
    Ok(machine)
}
