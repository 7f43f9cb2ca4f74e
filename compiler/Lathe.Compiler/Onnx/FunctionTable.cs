using Google.Protobuf.Collections;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Compiler.Onnx;

/// <summary>The functions that a model brings along.</summary>
internal sealed class FunctionTable
{
    private readonly Dictionary<(string Domain, string Name, string Overload), FunctionProto> _functions = [];

    /// <summary>Takes in a model's functions.</summary>
    /// <exception cref="DiagnosticException">Two have the same name.</exception>
    public FunctionTable(RepeatedField<FunctionProto> functions)
    {
        foreach (FunctionProto function in functions)
        {
            if (!_functions.TryAdd((OpsetTable.Normal(function.Domain), function.Name, function.Overload), function))
                throw new DiagnosticException(new Diagnostic(DiagnosticTable.MalformedModel, null, $"there are two functions '{function.Name}'"));
        }
    }

    /// <summary>The function that a node calls, or null.</summary>
    public FunctionProto? Find(NodeProto node) => _functions.GetValueOrDefault((OpsetTable.Normal(node.Domain), node.OpType, node.Overload));
}
