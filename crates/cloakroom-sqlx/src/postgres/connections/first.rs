use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

type Attempt<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Waits for the first attempt that succeeds; the others are dropped. If none does, returns the error of the one that failed
/// last; `None` if there are no attempts.
pub(super) async fn first_success<T, E>(mut attempts: Vec<Attempt<'_, T, E>>) -> Option<Result<T, E>> {
    let mut failure = None;
    poll_fn(|context| {
        let mut index = 0;
        while let Some(attempt) = attempts.get_mut(index) {
            match attempt.as_mut().poll(context) {
                Poll::Ready(Ok(success)) => return Poll::Ready(Some(Ok(success))),
                Poll::Ready(Err(error)) => {
                    failure = Some(Err(error));
                    drop(attempts.swap_remove(index));
                }
                Poll::Pending => index += 1,
            }
        }
        if attempts.is_empty() { Poll::Ready(failure.take()) } else { Poll::Pending }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn attempts(
        list: Vec<impl Future<Output = Result<u8, u8>> + Send + 'static>,
    ) -> Vec<Attempt<'static, u8, u8>> {
        list.into_iter().map(|attempt| Box::pin(attempt) as Attempt<'_, u8, u8>).collect()
    }

    #[tokio::test]
    async fn one_success_is_enough() {
        let mut some = attempts(vec![ready(Err(1)), ready(Ok(2))]);
        some.insert(0, Box::pin(pending()));
        assert_eq!(first_success(some).await, Some(Ok(2)));
    }

    #[tokio::test]
    async fn the_last_failure_is_told() {
        assert_eq!(first_success(attempts(vec![ready(Err(1)), ready(Err(2))])).await, Some(Err(2)));
        assert_eq!(first_success(Vec::<Attempt<'_, u8, u8>>::new()).await, None);
    }
}
