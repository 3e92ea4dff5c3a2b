export function PersonaSwitch({ personas, persona, onChoose }) {
  return (
    <div className="identity">
      <span className="note" title={persona.description}>
        {persona.description}
      </span>
      <label>
        <span>Acting as</span>
        <select
          value={persona.name}
          onChange={({ target }) => onChoose(personas.find(({ name }) => name === target.value))}
        >
          {personas.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
    </div>
  );
}

export function BearerToken({ token, onGiven }) {
  return (
    <div className="identity">
      <label>
        <span>Bearer token</span>
        <input
          type="password"
          autoComplete="off"
          spellCheck="false"
          placeholder="Paste a token"
          defaultValue={token}
          onBlur={({ target }) => onGiven(target.value.trim())}
          onKeyDown={({ key, target }) => key === "Enter" && target.blur()}
        />
      </label>
    </div>
  );
}
