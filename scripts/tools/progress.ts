/** How often a step that takes long says that it is still at it. */
const REMIND_EVERY_SECONDS = 15;

/**
 * Runs a step and prints what it does, with the seconds that it has taken so far.
 * @throws whatever the step throws
 */
export async function step<Result>(text: string, work: () => Promise<Result>): Promise<Result> {
  const begun = Date.now();
  const seconds = (): string => `${((Date.now() - begun) / 1000).toFixed(0)} s`;
  console.log(`${text} …`);
  const timer = setInterval(() => console.log(`${text} … ${seconds()}`), REMIND_EVERY_SECONDS * 1000);
  try {
    const result = await work();
    console.log(`${text}: done in ${seconds()}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
