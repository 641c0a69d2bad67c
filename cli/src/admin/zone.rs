//! The time zone of a new organization: the one given, that of an organization that exists, what the
//! person at the terminal says, or this machine's, in this order.

use std::io::{self, BufRead, IsTerminal, Write};

use jiff::tz::TimeZone;
use unicreda::domain::organization::Organization;

use crate::printer::print_error;

/// Chooses the zone, and says which one when nobody named it.
///
/// # Errors
/// When the terminal cannot be read or written.
pub(super) fn chosen(given: Option<String>, stored: Option<&Organization>) -> io::Result<String> {
    if let Some(zone) = given.or_else(|| stored.map(|stored| stored.settings.time_zone.clone())) {
        return Ok(zone);
    }
    let machine = TimeZone::system().iana_name().unwrap_or("UTC").to_owned();
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        print_error(&format!(
            "Dates are printed in the time zone {machine}, this machine's. Another: --time-zone America/Santiago"
        ));
        return Ok(machine);
    }
    let mut terminal = io::stderr().lock();
    loop {
        write!(terminal, "Time zone of the dates that people read [{machine}]: ")?;
        terminal.flush()?;
        let mut line = String::new();
        let ended = io::stdin().lock().read_line(&mut line)? == 0;
        match line.trim() {
            "" => return Ok(machine),
            zone if TimeZone::get(zone).is_ok() || ended => return Ok(zone.to_owned()),
            zone => writeln!(terminal, "{zone} is no IANA time zone; one is America/Santiago")?,
        }
    }
}
