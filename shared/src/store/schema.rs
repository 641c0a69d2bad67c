//! The tables, as `template.yaml` declares them. The local stack creates them from here;
//! a test compares the two.

/// A table: keys are strings, capacity is on demand, items expire by the attribute `ttl`.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Name of the setting that holds the table's name.
    pub setting: &'static str,
    /// Partition key.
    pub partition: &'static str,
    /// Sort key, if any.
    pub sort: Option<&'static str>,
    /// Secondary indexes, keys only.
    pub indexes: &'static [Index],
}

/// A global secondary index that projects keys only.
#[derive(Clone, Copy, Debug)]
pub struct Index {
    /// Name.
    pub name: &'static str,
    /// Partition key.
    pub partition: &'static str,
    /// Sort key.
    pub sort: &'static str,
}

/// The attribute by which items expire, in seconds since 1970.
pub const TTL: &str = "ttl";

/// Credentials of an organization by time, spread over partitions.
pub const BY_TIME: Index = Index { name: "by_time", partition: "time_pk", sort: "time_sk" };
/// Credentials of one e-mail address (a keyed hash), by time.
pub const BY_EMAIL: Index = Index { name: "by_email", partition: "email_pk", sort: "email_sk" };
/// Credentials whose mail is pending and on no job's ledger (sparse).
pub const OWED: Index = Index { name: "owed", partition: "owed_pk", sort: "owed_sk" };
/// Jobs of an organization by time.
pub const BY_ORG: Index = Index { name: "by_org", partition: "org_pk", sort: "org_sk" };
/// Jobs that have not ended (sparse).
pub const OPEN: Index = Index { name: "open", partition: "open_pk", sort: "open_sk" };

/// All tables.
pub const TABLES: [Table; 3] = [
    Table { setting: "CATALOG_TABLE", partition: "pk", sort: Some("sk"), indexes: &[] },
    Table {
        setting: "CREDENTIALS_TABLE",
        partition: "id",
        sort: None,
        indexes: &[BY_TIME, BY_EMAIL, OWED],
    },
    Table { setting: "JOBS_TABLE", partition: "pk", sort: Some("sk"), indexes: &[BY_ORG, OPEN] },
];
