using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators;

/// <summary>Every operator, one row each, alphabetical. A test fails if an operator record is missing.</summary>
public static class OperatorTable
{
    /// <summary>The rows.</summary>
    public static IReadOnlyList<OperatorRow> Rows { get; } =
    [
    ];

    /// <summary>Rows by ONNX domain and name.</summary>
    public static IReadOnlyDictionary<(string Domain, string Name), OperatorRow> ByOnnxName { get; } =
        Rows.Where(r => r.Schema.OnnxName is not null).ToDictionary(r => (r.Schema.Domain, r.Schema.OnnxName!));

    private static OperatorRow Of<TOp>()
        where TOp : Op, IOp<TOp> => new(typeof(TOp), TOp.Schema, TOp.Import);
}

/// <summary>A row of <see cref="OperatorTable"/>.</summary>
/// <param name="Type">The record.</param>
/// <param name="Schema">What the importer needs to know.</param>
/// <param name="Import">Makes it from an ONNX node.</param>
public sealed record OperatorRow(Type Type, OpSchema Schema, Func<OnnxNode, GraphBuilder, IReadOnlyList<Value>> Import);
