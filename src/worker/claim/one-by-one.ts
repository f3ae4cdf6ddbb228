/** Does what has one name one after the other; what has other names is not held up. */
export type OneByOne = <Answer>(name: string, action: () => Promise<Answer>) => Promise<Answer>;

/** Each action begins when the last one of its name is over, however that ended. */
export function createOneByOne(): OneByOne {
  const last = new Map<string, Promise<unknown>>();
  return (name, action) => {
    const answer = (last.get(name) ?? Promise.resolve()).then(action, action);
    last.set(name, answer);
    const forget = () => {
      if (last.get(name) === answer) last.delete(name);
    };
    answer.then(forget, forget);
    return answer;
  };
}
