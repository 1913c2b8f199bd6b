//! The events of a body and nothing else of it: who asked for them, and how, is for those who decide. Each is handed on as
//! it is read, since events are large.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess};
use serde::de::{SeqAccess, Visitor};

/// Tells the events of all entries, in their order.
pub(crate) fn events<E: DeserializeOwned>(
    body: &str,
    tell: impl FnMut(E),
) -> Result<(), serde_json::Error> {
    let tell = RefCell::new(tell);
    let event = Told { tell: &tell, of: PhantomData::<E> };
    let mut json = serde_json::Deserializer::from_str(body);
    let entries = Named("entries", Each(Named("events", Each(event))));
    entries.deserialize(&mut json)?.ok_or_else(|| Error::missing_field("entries"))?;
    json.end()
}

/// What an object has under a name, if anything.
#[derive(Clone, Copy)]
struct Named<S>(&'static str, S);

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Named<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for Named<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}`", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Is(self.0))? {
            if !is_it {
                map.next_value::<IgnoredAny>()?;
            } else if found.replace(map.next_value_seed(self.1)?).is_some() {
                return Err(Error::duplicate_field(self.0));
            }
        }
        Ok(found)
    }
}

/// Whether a name is this one.
struct Is(&'static str);

impl<'de> DeserializeSeed<'de> for Is {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Is {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<X: Error>(self, name: &str) -> Result<bool, X> {
        Ok(name == self.0)
    }
}

/// All elements of an array.
#[derive(Clone, Copy)]
struct Each<S>(S);

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Each<S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for Each<S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(self.0)?.is_some() {}
        Ok(())
    }
}

/// An event, told at once.
struct Told<'a, E, F> {
    tell: &'a RefCell<F>,
    of: PhantomData<E>,
}

impl<E, F> Clone for Told<'_, E, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, F> Copy for Told<'_, E, F> {}

impl<'de, E: Deserialize<'de>, F: FnMut(E)> DeserializeSeed<'de> for Told<'_, E, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let event = E::deserialize(from)?;
        (self.tell.borrow_mut())(event);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::events;

    fn told(body: &str) -> Result<Vec<u8>, String> {
        let mut told = Vec::new();
        events(body, |event| told.push(event)).map_err(|error| error.to_string())?;
        Ok(told)
    }

    #[test]
    fn the_events_of_all_entries_are_told_in_their_order() {
        let body = r#"{"facts_at":1,"entries":[{"by":{"events":[9]},"events":[3,1]},{},
            {"events":[]},{"events":[2],"refused":[7]}]}"#;
        assert_eq!(told(body), Ok(vec![3, 1, 2]));
    }

    #[test]
    fn what_is_no_body_is_an_error() {
        for (body, says) in [
            ("{}", "missing field `entries`"),
            (r#"{"entries":[],"entries":[]}"#, "duplicate field `entries`"),
            (r#"{"entries":[{"events":[1],"events":[2]}]}"#, "duplicate field `events`"),
            (r#"{"entries":{}}"#, "expected an array"),
            (r#"{"entries":[1]}"#, "expected an object with `events`"),
            (r#"{"entries":[{"events":["x"]}]}"#, "expected u8"),
            (r#"{"entries":[]}x"#, "trailing characters"),
            (r#"{"entries":["#, "EOF"),
        ] {
            let error = told(body).expect_err(body);
            assert!(error.contains(says), "{body}: {error}");
        }
    }
}
