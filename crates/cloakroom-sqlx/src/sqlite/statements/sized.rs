use sqlx::SqlStr;

/// One statement in several sizes: with room for one value, for four, …
#[derive(Debug)]
pub(in crate::sqlite) struct Sized(Box<[(usize, SqlStr)]>);

impl Sized {
    /// Takes the sizes, smallest first.
    pub(super) fn new(sizes: Box<[(usize, SqlStr)]>) -> Self {
        Self(sizes)
    }

    /// Returns the smallest statement with room for `count` values, or the largest there is.
    pub(in crate::sqlite) fn with_room_for(&self, count: usize) -> (usize, SqlStr) {
        let (size, sql) = self.0.iter().find(|(size, _)| *size >= count).unwrap_or(self.largest());
        (*size, sql.clone())
    }

    /// Returns the largest statement that `count` values fill, or the smallest there is.
    pub(in crate::sqlite) fn filled_by(&self, count: usize) -> (usize, SqlStr) {
        let (size, sql) = self.0.iter().rfind(|(size, _)| *size <= count).unwrap_or(&self.0[0]);
        (*size, sql.clone())
    }

    /// Returns how many values there can be room for.
    pub(in crate::sqlite) fn max(&self) -> usize {
        self.largest().0
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &SqlStr> {
        self.0.iter().map(|(_, sql)| sql)
    }

    fn largest(&self) -> &(usize, SqlStr) {
        &self.0[self.0.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, SqlSafeStr as _};

    use super::*;

    #[test]
    fn sizes_are_chosen_by_room_and_by_fill() {
        let sized = Sized::new([1, 4, 16].map(|size| (size, AssertSqlSafe("").into_sql_str())).into());
        let room = [1, 2, 4, 5, 16, 17].map(|count| sized.with_room_for(count).0);
        assert_eq!(room, [1, 4, 4, 16, 16, 16]);
        let fill = [1, 3, 4, 15, 16, 99].map(|count| sized.filled_by(count).0);
        assert_eq!(fill, [1, 1, 4, 4, 16, 16]);
    }
}
