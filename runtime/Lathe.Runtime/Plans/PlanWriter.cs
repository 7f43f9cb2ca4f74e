using System.Text;

namespace Lathe.Runtime.Plans;

/// <summary>Writes what <see cref="PlanReader"/> reads.</summary>
internal sealed class PlanWriter
{
    internal const byte KernelTag = 0;
    internal const byte IfTag = 1;

    private readonly MemoryStream _bytes = new();

    public static byte[] Write(Plan plan)
    {
        PlanWriter writer = new();
        writer.Text(plan.Model);
        writer.List(plan.Symbols, writer.Symbol);
        writer.List(plan.Inputs, writer.Tensor);
        writer.List(plan.Outputs, writer.Tensor);
        writer.List(plan.Buffers, writer.Buffer);
        writer.List(plan.Kernels, writer.Kernel);
        writer.List(plan.Steps, writer.Step);
        writer.Expression(plan.ArenaBytes);
        writer.Number(plan.WeightBytes);
        return writer._bytes.ToArray();
    }

    private void Symbol(PlanSymbol symbol)
    {
        Text(symbol.Name);
        Number(symbol.Min);
        Number(symbol.Max);
        Number(symbol.Default);
    }

    private void Tensor(PlanTensor tensor)
    {
        Text(tensor.Name);
        Number((int)tensor.Type);
        List(tensor.Dims, Expression);
        Number(tensor.Buffer);
    }

    private void Buffer(PlanBuffer buffer)
    {
        Number((int)buffer.Kind);
        Number(buffer.Index);
        Expression(buffer.Offset);
        Expression(buffer.Bytes);
    }

    private void Kernel(PlanKernel kernel)
    {
        Text(kernel.Name);
        List(kernel.Variants, Variant);
    }

    private void Variant(PlanVariant variant)
    {
        Number((int)variant.Isa);
        Number(variant.Function);
        Expression(variant.ScratchBytes);
        Expression(variant.Extent);
    }

    private void Step(PlanStep step)
    {
        switch (step)
        {
            case KernelStep kernel:
                _bytes.WriteByte(KernelTag);
                Text(kernel.Node);
                Text(kernel.Op);
                Number(kernel.Kernel);
                List(kernel.Buffers, buffer => Number(buffer));
                List(kernel.Dims, Expression);
                Text(kernel.Precision);
                Text(kernel.Layout);
                Expression(kernel.Macs);
                Expression(kernel.Traffic);
                break;
            case IfStep branch:
                _bytes.WriteByte(IfTag);
                Text(branch.Node);
                Text(branch.Op);
                Number(branch.Condition);
                List(branch.Then, Step);
                List(branch.Else, Step);
                break;
            default: throw new ArgumentException($"A plan has no form for {step.GetType().Name}.", nameof(step));
        }
    }

    private void Expression(SizeExpression expression) => List(expression.Instructions, instruction =>
    {
        _bytes.WriteByte((byte)instruction.Code);
        if (instruction.Code <= SizeExpression.Code.Dim) Number(instruction.Operand);
    });

    private void List<T>(IReadOnlyList<T> items, Action<T> write)
    {
        Number(items.Count);
        foreach (T item in items) write(item);
    }

    private void Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        Number(utf8.Length);
        _bytes.Write(utf8);
    }

    /// <summary>Zigzag, then seven bits a byte from the lowest, with the eighth set on all but the last.</summary>
    private void Number(long value)
    {
        ulong rest = unchecked((ulong)((value << 1) ^ (value >> 63)));
        for (; rest >= 0x80; rest >>= 7) _bytes.WriteByte((byte)(rest | 0x80));
        _bytes.WriteByte((byte)rest);
    }
}
