using System.Globalization;
using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>Prints indices as integers of 64 bits.</summary>
internal sealed class IndexPrinter(FunctionWriter writer, Func<IndexVar, string> variable)
{
    /// <summary>The value of an index.</summary>
    public string Print(IndexExpr index)
    {
        if (index.IsConstant) return Number(index.Constant);
        string sum = "";
        foreach (IndexTerm term in index.Terms)
        {
            string product = Product(term);
            sum = sum.Length == 0 ? product : writer.Value($"add i64 {sum}, {product}");
        }

        return sum;
    }

    /// <summary>A number.</summary>
    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private string Product(IndexTerm term)
    {
        if (term.Atoms.Length == 0) return Number(term.Coefficient);
        string product = Atom(term.Atoms[0]);
        foreach (IndexAtom atom in term.Atoms.Skip(1)) product = writer.Value($"mul i64 {product}, {Atom(atom)}");
        return term.Coefficient == 1 ? product : writer.Value($"mul i64 {product}, {Number(term.Coefficient)}");
    }

    private string Atom(IndexAtom atom) => atom switch
    {
        IndexVar a => variable(a),
        IndexDiv a => writer.Value($"udiv i64 {Print(a.Operand)}, {Divisor(a.Divisor)}"),
        IndexMod a => writer.Value($"urem i64 {Print(a.Operand)}, {Divisor(a.Divisor)}"),
        IndexMin a => writer.Call("i64", "llvm.smin.i64", ("i64", Print(a.A)), ("i64", Print(a.B))),
        IndexMax a => writer.Call("i64", "llvm.smax.i64", ("i64", Print(a.A)), ("i64", Print(a.B))),
        IndexSelect a => Select(a),
        _ => throw new NotSupportedException(atom.GetType().Name),
    };

    private string Select(IndexSelect select)
    {
        string condition = writer.Value($"icmp slt i64 {Print(select.A)}, {Print(select.B)}");
        return writer.Value($"select i1 {condition}, i64 {Print(select.Then)}, i64 {Print(select.Else)}");
    }

    /// <summary>A divisor that is zero only where nothing uses the quotient, such as the dim of an empty tensor, must not trap there.</summary>
    private string Divisor(IndexExpr divisor)
    {
        string value = Print(divisor);
        return divisor.Range.Min > 0 ? value : writer.Call("i64", "llvm.umax.i64", ("i64", value), ("i64", "1"));
    }
}
