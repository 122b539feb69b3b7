use crate::namespace::Namespace;

/// Where the tables and functions are: a schema, or whichever the search path finds, and what their names begin with.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) schema: Option<Namespace>,
    pub(super) namespace: Namespace,
}

impl Place {
    /// Returns the channel on which changes are told. The schema has no part in it, as one node may know it by name and another
    /// by its search path.
    pub(super) fn channel(&self) -> String {
        format!("{}_f", self.namespace.shared())
    }

    /// Puts the place into SQL text, where `cloakroom.sessions` stands for the table of sessions. The names of indexes, which
    /// take no schema, begin with `cloakroom_`.
    pub(super) fn apply(&self, sql: &str) -> String {
        let namespace = self.namespace.shared();
        let qualified = match &self.schema {
            Some(schema) => format!("{}.{namespace}_", schema.shared()),
            None => format!("{namespace}_"),
        };
        self.namespace.apply(sql).replace("cloakroom.", &qualified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_the_schema_and_the_namespace() {
        let sql = "CREATE INDEX cloakroom_sessions_due ON cloakroom.sessions (due_at)";
        let mut place = Place { schema: None, namespace: Namespace::new("shop").unwrap() };
        assert_eq!(place.apply(sql), "CREATE INDEX shop_sessions_due ON shop_sessions (due_at)");
        place.schema = Some(Namespace::new("web").unwrap());
        assert_eq!(place.apply(sql), "CREATE INDEX shop_sessions_due ON web.shop_sessions (due_at)");
    }
}
