using Lathe.Compiler.Operators;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>The operator table against the records of the assembly.</summary>
public sealed class OperatorTableTests
{
    [Test]
    public void EveryOperatorWithASchema_IsInTheTable()
    {
        Type[] records = [.. typeof(Op).Assembly.GetTypes().Where(t => !t.IsAbstract && !t.IsInterface && ImplementsSchema(t))];
        Assert.That(OperatorTable.Rows.Select(r => r.Type), Is.EquivalentTo(records));
    }

    [Test]
    public void EveryRecordInAnOperatorGroup_HasASchema()
    {
        IEnumerable<string> without = typeof(Op).Assembly.GetTypes()
            .Where(t => !t.IsAbstract && t.IsSubclassOf(typeof(Op)) && t.Namespace != typeof(Op).Namespace && !ImplementsSchema(t))
            .Select(t => t.Name);
        Assert.That(without, Is.Empty);
    }

    [Test]
    public void Rows_AreAlphabetical() =>
        Assert.That(OperatorTable.Rows.Select(r => r.Type.Name), Is.Ordered.Using((IComparer<string>)StringComparer.Ordinal));

    [Test]
    public void OnnxNames_AreThoseOfTheRecords()
    {
        foreach (OperatorRow row in OperatorTable.Rows.Where(r => r.Schema.OnnxName is not null))
            Assert.That(row.Schema.OnnxName, Is.EqualTo(row.Type.Name));
    }

    private static bool ImplementsSchema(Type type) =>
        type.GetInterfaces().Any(i => i.IsGenericType && (i.GetGenericTypeDefinition() == typeof(IOp<>) || i.GetGenericTypeDefinition() == typeof(IComposite<>)));
}
