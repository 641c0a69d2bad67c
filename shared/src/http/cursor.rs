//! The cursors of lists: sealed positions, which only the same list of the same owner opens.
//!
//! A position holds keys of the tables: addresses, ids of keys. Its seal hides them, and binds it to
//! route, path parameter, filters, organization and mode.

use serde_json::json;

use crate::{
    domain::{
        identity::IdSecret,
        seal::{self, Sealed},
        tenant::Tenant,
    },
    http::{
        parameters::{CURSOR, Kind},
        problem::Problem,
        serve::Call,
    },
};

impl Call {
    /// Returns the position that the parameter `cursor` holds; `None` on the first page.
    ///
    /// # Errors
    /// `invalid_cursor` for anything but a cursor of this list and owner.
    pub fn position(
        &self,
        secret: &IdSecret,
        tenant: Tenant<'_>,
    ) -> Result<Option<String>, Problem> {
        // A script that takes null for a text would read the first page for ever.
        let Some(cursor) = self.sent(CURSOR) else {
            return Ok(None);
        };
        seal::open(secret, Sealed::Cursor, tenant, &self.list(), cursor)
            .and_then(|position| String::from_utf8(position).ok())
            .map(Some)
            .ok_or_else(Problem::invalid_cursor)
    }

    /// Returns the cursor of a position in this list.
    ///
    /// # Errors
    /// `internal` when the cipher fails.
    pub fn cursor(
        &self,
        secret: &IdSecret,
        tenant: Tenant<'_>,
        position: &str,
    ) -> Result<String, Problem> {
        seal::seal(secret, Sealed::Cursor, tenant, &self.list(), position.as_bytes())
            .ok_or_else(|| Problem::internal("a cursor was not sealed"))
    }

    /// The list that is asked for: route, path parameter and filters.
    fn list(&self) -> String {
        let filters = self.route.parameters.iter().filter(|p| p.kind != Kind::View);
        let filters: Vec<_> = filters.map(|filter| (filter.name, self.query(*filter))).collect();
        json!([self.route.method, self.route.path, self.parameter, filters]).to_string()
    }
}
