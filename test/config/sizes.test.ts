import fc from "fast-check";
import { allocatable, nearSizes, nodeSize } from "../../src/config/node-sizes";
import { formatCpu, formatMemory, parseCpu, parseMi } from "../../src/config/quantities";
import { profilesFor, storageFor } from "../../src/config/resource-profiles";

test.each([
  ["s-2vcpu-4gb", 2, 4],
  ["s-4vcpu-16gb-320gb-intel", 4, 16],
  ["so1_5-2vcpu-16gb", 2, 16],
  ["c-4", 4, 8],
  ["gpu-h100x8-640gb", 160, 1920],
  ["g-160vcpu-640gb", 160, 640],
])("%s has %i vCPUs and %i GiB", (slug, vcpus, memoryGi) => {
  expect(nodeSize(slug)).toMatchObject({ slug, vcpus, memoryGi });
});

test.each(["s-4vcpu-8bg", "s-1vcpu-1gb", "c-3", "", "large", "s-0vcpu-8gb", "s-2vcpu-4gb\n"])(
  "%j can't be read",
  (slug) => {
    expect(nodeSize(slug)).toBeUndefined();
  },
);

test("a size that can't be read is answered with near ones", () => {
  expect(nearSizes("s-4vcpu-8bg")[0]).toBe("s-4vcpu-8gb");
  expect(nearSizes("t3.large").length).toBeGreaterThan(0);
});

test("allocatable memory is DigitalOcean's, and between its rows it grows with the memory", () => {
  const size = (memoryGi: number) => ({ slug: "x", vcpus: 2, memoryGi, extendedResources: {} });
  expect([2, 4, 8, 16].map((memory) => allocatable(size(memory)).memory / 1024)).toEqual([1, 2.5, 6, 13]);
  expect(allocatable(size(3)).memory).toBeGreaterThan(allocatable(size(2)).memory);
  expect(allocatable(size(3)).memory).toBeLessThan(allocatable(size(4)).memory);
});

test("a derived profile always fits one node, and a larger profile is never smaller", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 256 }), fc.integer({ min: 2, max: 2048 }), (vcpus, memoryGi) => {
      const node = { slug: "x", vcpus, memoryGi, extendedResources: {} };
      const room = allocatable(node);
      const profiles = profilesFor(node);
      let former = { cpu: 0, memory: 0 };
      for (const name of ["small", "medium", "large"]) {
        const cpu = parseCpu(profiles[name]?.requests.cpu ?? "") ?? Number.NaN;
        const memory = parseMi(profiles[name]?.requests.memory ?? "") ?? Number.NaN;
        expect(cpu).toBeLessThanOrEqual(room.cpu);
        expect(memory).toBeLessThanOrEqual(room.memory);
        expect(cpu).toBeGreaterThanOrEqual(former.cpu);
        expect(memory).toBeGreaterThanOrEqual(former.memory);
        expect([cpu % 50, memory % 64]).toEqual([0, 0]);
        former = { cpu, memory };
      }
      expect(parseMi(storageFor(node).fast.size)).toBeGreaterThanOrEqual(1024);
    }),
  );
});

test("quantities are read as Kubernetes reads them", () => {
  expect(["500m", "2", "0.5", "1.5"].map(parseCpu)).toEqual([500, 2000, 500, 1500]);
  expect(["1Gi", "512Mi", "1.5Gi", "1024Ki", "1G"].map(parseMi)).toEqual([1024, 512, 1536, 1, 1e9 / 2 ** 20]);
  for (const wrong of ["", "0", "-1", "1 core", "500M", "1e3", "0.0001"])
    expect(parseCpu(wrong)).toBeUndefined();
  for (const wrong of ["", "0", "1GB", "Gi", "-1Gi"]) expect(parseMi(wrong)).toBeUndefined();
});

test("quantities are written back to what was read", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), (value) => {
      expect(parseCpu(formatCpu(value))).toBe(value);
      expect(parseMi(formatMemory(value))).toBe(value);
    }),
  );
});
