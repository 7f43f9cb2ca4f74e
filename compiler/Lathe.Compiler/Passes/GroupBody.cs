using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Passes;

/// <summary>The body of a group in the making, whose inputs stand for values outside of it.</summary>
/// <param name="symbols">The symbols of the graph around.</param>
internal sealed class GroupBody(IReadOnlyList<IndexVar> symbols)
{
    private readonly List<GraphPort> _ports = [];
    private readonly List<Value> _inputs = [];

    /// <summary>Takes the members.</summary>
    public GraphBuilder Builder { get; } = new();

    /// <summary>What the inputs stand for, in order.</summary>
    public IReadOnlyList<Value> Inputs => _inputs;

    /// <summary>A further input.</summary>
    /// <param name="outside">What it stands for.</param>
    public Value Port(Value outside)
    {
        string name = $"x{_ports.Count}";
        Value port = Builder.Add(new Input(name, outside.Type with { Layout = null }));
        _ports.Add(new GraphPort(name, port));
        _inputs.Add(outside);
        return port;
    }

    /// <summary>The group.</summary>
    public Fused Build(Value result, Layout? layout = null) => new(Builder.Build("", _ports, [new GraphPort("y", result)], symbols), layout);
}
