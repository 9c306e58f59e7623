export { writeWhole } from "./write-whole";
