// Unpacks the locked Chromium into .chromium/ beside this file, with the libraries and the font a bare machine lacks.
import { inflate } from "@sparticuz/chromium";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const here = import.meta.dirname;
const archives = join(here, "node_modules/@sparticuz/chromium/bin");
const unpacked = join(here, ".chromium");
const partial = join(here, ".chromium.partial");

await rm(unpacked, { recursive: true, force: true });
await rm(partial, { recursive: true, force: true });
await mkdir(partial);
process.env.TMPDIR = partial; // where the package unpacks to, if not told otherwise: one shared place per machine
for (const archive of ["chromium.br", "al2023.tar.br", "fonts.tar.br"]) await inflate(join(archives, archive));
await writeFile(
  join(partial, "fonts/fonts.conf"),
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${unpacked}/fonts/fonts</dir>
  <cachedir>${unpacked}/fonts-cache</cachedir>
</fontconfig>
`,
);
await rename(partial, unpacked);
