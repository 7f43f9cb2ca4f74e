using Lathe.Compiler.Lowering;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Tests.Lowering;

public sealed class MemoryPlannerTests
{
    private static readonly IndexVar Batch = new("N", 1, 1024);

    [Test]
    public void Place_RandomLifetimes_NothingAliveOverlaps([Range(1, 20)] int seed)
    {
        Random random = new(seed);
        List<Storage> storages = [.. Enumerable.Range(0, 40).Select(_ => RandomStorage(random))];
        IndexExpr arena = MemoryPlanner.Place(storages);
        foreach (long batch in new long[] { 1, 3, 32 })
        {
            long At(IndexExpr e) => e.Evaluate(_ => batch);
            foreach (Storage a in storages)
            {
                Assert.That(At(a.Offset) % 64, Is.Zero);
                Assert.That(At(a.Offset + a.Bytes), Is.LessThanOrEqualTo(At(arena)));
                foreach (Storage b in storages.Where(b => b != a && b.First <= a.Last && a.First <= b.Last))
                    Assert.That(At(a.Offset + a.Bytes) <= At(b.Offset) || At(b.Offset + b.Bytes) <= At(a.Offset), "two storages in use at once overlap");
            }

            Assert.That(MemoryPlanner.LowerBound(storages, At), Is.LessThanOrEqualTo(At(arena)));
        }
    }

    [Test]
    public void Place_Chain_ReusesMemory()
    {
        List<Storage> chain = [];
        for (int i = 0; i < 10; i++)
        {
            Storage storage = new((IndexExpr)Batch * 4096);
            storage.UsedAt(i);
            storage.UsedAt(i + 1);
            chain.Add(storage);
        }

        Assert.That(MemoryPlanner.Place(chain), Is.EqualTo((IndexExpr)Batch * 8192));
    }

    private static Storage RandomStorage(Random random)
    {
        IndexExpr size = random.Next(1, 5000);
        if (random.Next(3) == 0) size *= Batch;
        if (random.Next(5) == 0) size = (size + 7) * ((IndexExpr)Batch + 2);
        Storage storage = new(size);
        int first = random.Next(30);
        storage.UsedAt(first);
        storage.UsedAt(first + random.Next(8));
        return storage;
    }
}
