using System.Collections.Immutable;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>What a name stands for.</summary>
internal abstract record Binding;

/// <summary>An index variable.</summary>
internal sealed record IndexBinding(int Slot) : Binding;

/// <summary>A let, a local or a running value. <paramref name="Owner"/> is the innermost concurrent loop that it was made in.</summary>
internal sealed record ValueBinding(VectorType Type, int Slot, bool Mutable, For? Owner) : Binding;

/// <summary>A buffer, allocated memory or a pointer into either.</summary>
internal sealed record BufferBinding(ElementType Element, int Slot, bool Written) : Binding;

/// <summary>The names that are visible at one place of a program; immutable, so that a block's names end with it.</summary>
internal sealed record Scope(ImmutableDictionary<string, Binding> Names, For? Concurrent)
{
    public static Scope Empty { get; } = new(ImmutableDictionary.Create<string, Binding>(StringComparer.Ordinal), null);

    public Scope With(string name, Binding binding) => Names.ContainsKey(name)
        ? throw new InterpreterException($"'{name}' is defined twice")
        : this with { Names = Names.Add(name, binding) };

    public T Find<T>(string name)
        where T : Binding => Names.GetValueOrDefault(name) switch
        {
            null => throw new InterpreterException($"'{name}' is not defined"),
            T found => found,
            Binding other => throw new InterpreterException($"'{name}' is a {Kind(other.GetType())}, where a {Kind(typeof(T))} is wanted"),
        };

    private static string Kind(Type binding) => binding.Name.Replace("Binding", string.Empty, StringComparison.Ordinal).ToLowerInvariant();
}

/// <summary>Hands out the slots of a frame.</summary>
internal sealed class Slots
{
    private int _indices = LoopCode.One + 1, _floats, _integers, _buffers, _stamps;

    public IndexBinding Index() => new(_indices++);

    public BufferBinding Buffer(ElementType element, bool written) => new(element, _buffers++, written);

    public ValueBinding Value(VectorType type, bool mutable, For? owner)
    {
        ref int next = ref type.Element.IsFloat() ? ref _floats : ref _integers;
        ValueBinding binding = new(type, next, mutable, owner);
        next += type.Lanes;
        return binding;
    }

    /// <summary>Room to remember a value of an expression that is used several times, and when it was computed.</summary>
    public (int Slot, int Stamp) Shared(VectorType type)
    {
        int stamp = _stamps;
        _stamps += type.Lanes;
        return (Value(type, mutable: false, owner: null).Slot, stamp);
    }

    public Frame NewFrame()
    {
        Frame frame = NewEmptyFrame();
        frame.Indices[LoopCode.One] = 1;
        return frame;
    }

    private Frame NewEmptyFrame() => new(null)
    {
        Indices = new long[_indices],
        Floats = new double[_floats],
        Integers = new long[_integers],
        FloatsSet = new bool[_floats],
        IntegersSet = new bool[_integers],
        Stamps = new long[_stamps],
        Buffers = new Address[_buffers],
    };
}
