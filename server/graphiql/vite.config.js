import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/graphiql/",
  plugins: [react()],
  logLevel: "error",
  worker: { format: "es" },
  build: { chunkSizeWarningLimit: 5000, sourcemap: false, target: "es2022" },
});
