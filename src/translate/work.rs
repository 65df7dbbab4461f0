//! Counts the steps of a translation, so that a test can prove that its cost is proportional to its input without a clock.
//! Outside of tests it does nothing.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// So many steps of the innermost loops were made.
#[inline]
pub(crate) fn steps(number: usize) {
    #[cfg(test)]
    STEPS.with(|steps| steps.set(steps.get() + number));
    #[cfg(not(test))]
    let _ = number;
}

/// The steps made by this thread since the last call.
#[cfg(test)]
pub(crate) fn taken() -> usize {
    STEPS.with(std::cell::Cell::take)
}
