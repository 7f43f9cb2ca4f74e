using System.Text;

namespace Lathe.Runtime.Plans;

/// <summary>Writes what <see cref="PlanReader"/> reads.</summary>
internal sealed class PlanWriter
{
    internal const byte KernelTag = 0;
    internal const byte IfTag = 1;
    internal const byte MeasureTag = 2;
    internal const byte LoopTag = 3;
    internal const byte RoutineTag = 4;
    internal const byte TransferTag = 5;

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
        writer.Number(plan.KeepsDenormals ? 1 : 0);
        writer.Number(plan.PrefersNative ? 1 : 0);
        writer.List(plan.NativeCode, writer.NativeCode);
        writer.Text(plan.Device);
        writer.List(plan.Preparation, writer.Step);
        writer.Number(plan.PreparedBytes);
        writer.List(plan.Accelerators, writer.Accelerator);
        writer.Number(plan.CarriesFallback ? 1 : 0);
        writer.Number(plan.RequiresDevice ? 1 : 0);
        return writer._bytes.ToArray();
    }

    private void Symbol(PlanSymbol symbol)
    {
        Text(symbol.Name);
        Number(symbol.Min);
        Number(symbol.Max);
        Number(symbol.Default);
        _bytes.WriteByte(symbol.IsComputed ? (byte)1 : (byte)0);
    }

    private void Tensor(PlanTensor tensor)
    {
        Text(tensor.Name);
        Number((int)tensor.Type);
        List(tensor.Dims, Expression);
        Number(tensor.Buffer);
        List(tensor.Strides, symbol => Number(symbol));
        Text(tensor.Preprocessing);
        List(tensor.Labels, Text);
    }

    private void Buffer(PlanBuffer buffer)
    {
        Number((int)buffer.Kind);
        Number(buffer.Index);
        Expression(buffer.Offset);
        Expression(buffer.Bytes);
        Number(buffer.Device);
    }

    private void Accelerator(PlanAccelerator accelerator)
    {
        Text(accelerator.Device);
        Expression(accelerator.ArenaBytes);
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
        Number(variant.NativeEntry);
        Number(variant.VnniEntry);
        Number(variant.NarrowIsFaster ? 1 : 0);
    }

    private void NativeCode(PlanNativeCode code)
    {
        Number((int)code.Isa);
        Number(code.Bytes);
        Text(code.Hash);
        List(code.Imports, import => Number(import));
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
                Number(kernel.Device);
                break;
            case IfStep branch:
                _bytes.WriteByte(IfTag);
                Text(branch.Node);
                Text(branch.Op);
                Number(branch.Condition);
                List(branch.Then, Step);
                List(branch.Else, Step);
                break;
            case MeasureStep measure:
                _bytes.WriteByte(MeasureTag);
                Text(measure.Node);
                Text(measure.Op);
                Number(measure.Buffer);
                Number((int)measure.Type);
                List(measure.Symbols, symbol => Number(symbol));
                List(measure.Checks, Expression);
                break;
            case LoopStep loop:
                _bytes.WriteByte(LoopTag);
                Text(loop.Node);
                Text(loop.Op);
                Number(loop.Symbol);
                Expression(loop.Count);
                List(loop.Carries, Carry);
                List(loop.Body, Step);
                break;
            case RoutineStep routine:
                _bytes.WriteByte(RoutineTag);
                Text(routine.Node);
                Text(routine.Op);
                Text(routine.Routine);
                List(routine.Operands, Operand);
                List(routine.Integers, Number);
                List(routine.Floats, number => Number(BitConverter.DoubleToInt64Bits(number)));
                Expression(routine.ScratchBytes);
                break;
            case TransferStep transfer:
                _bytes.WriteByte(TransferTag);
                Text(transfer.Node);
                Text(transfer.Op);
                Number(transfer.From);
                Number(transfer.To);
                Expression(transfer.Bytes);
                break;
            default: throw new ArgumentException($"A plan has no form for {step.GetType().Name}.", nameof(step));
        }

        Number(step.Subgraph);
    }

    private void Carry(LoopCarry carry)
    {
        Number(carry.Initial);
        Number(carry.State);
        Number(carry.Next);
    }

    private void Operand(PlanOperand operand)
    {
        _bytes.WriteByte(operand.Buffer < 0 ? (byte)0 : (byte)1);
        if (operand.Buffer >= 0) Number(operand.Buffer);
        Number((int)operand.Type);
        List(operand.Dims, Expression);
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
